"""Screening customers against sanctions lists: what is asked, what is kept, who is due."""
