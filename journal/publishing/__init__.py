"""What the school's site says about the filter: no personal data, small counts hidden."""
