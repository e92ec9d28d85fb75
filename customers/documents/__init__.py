"""Documents of customers: typed by content, made anew in a child process, encrypted, erased.

Nothing is imported here: the child process that decodes them (`child`) starts without Django.
"""
