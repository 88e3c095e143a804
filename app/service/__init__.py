"""One front-end process: admission, the way of an upload, and what the routes share."""
