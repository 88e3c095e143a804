"""The HTTP interface: routes, bodies, responses and problem documents."""
