"""Official sheets and other texts of the administration: imported as passages, kept, and found for a review."""
