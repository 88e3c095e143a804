"""The front end's side of the queue: jobs, replies, detached jobs."""
