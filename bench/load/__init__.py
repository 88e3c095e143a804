"""Load over HTTP, in closed and open loop, and its statistics."""
