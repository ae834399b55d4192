"""What is carried out of the school: files with manifest, digests, proof and signature."""
