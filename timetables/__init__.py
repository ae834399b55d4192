"""Read and write the school calendar as people exchange it: tables (CSV) and iCalendar."""
