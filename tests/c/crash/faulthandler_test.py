"""Dies with CPython's faulthandler installed before the library's, or after.

faulthandler_test.py LIBRARY URL DIRECTORY before|after
"""

import ctypes
import faulthandler
import sys


def dies():
    ctypes.string_at(0)


library, url, directory, order = sys.argv[1:]
ph = ctypes.CDLL(library)
ph.ph_config_new.restype = ctypes.c_void_p
if order == "before":
    faulthandler.enable()
config = ctypes.c_void_p(ph.ph_config_new(b"phc_test"))
client = ctypes.c_void_p()
assert ph.ph_config_set_host(config, url.encode()) == 0
assert ph.ph_config_set_storage_dir(config, directory.encode()) == 0
assert ph.ph_config_set_crash_handler(config, ctypes.c_bool(True)) == 0
assert ph.ph_init(config, ctypes.byref(client)) == 0
if order == "after":
    faulthandler.enable()
dies()
