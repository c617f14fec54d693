"""Several effects that must happen together, or once: rows, messages, requests.

A database transaction covers neither the broker nor other people's servers, and a worker may be killed between
any two lines: what then is half done, or is done again, is decided by the order in the code.
"""
