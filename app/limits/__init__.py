"""What one API key may do, counted over all front ends."""
