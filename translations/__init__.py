"""Every text a person reads, in kk, ky, ru and en."""
