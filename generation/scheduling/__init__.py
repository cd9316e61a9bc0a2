"""Which job runs next, where and when."""
