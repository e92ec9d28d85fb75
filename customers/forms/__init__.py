"""What people type on the customers desk."""
