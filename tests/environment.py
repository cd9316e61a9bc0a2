"""The settings of every test run: a data folder of its own, and quick heartbeats.

Loaded with `-p` before Django reads its settings.
"""

import atexit
import os
import shutil
import tempfile

HOME = tempfile.mkdtemp(prefix="genga-tests-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

os.environ["GENGA_HOME"] = HOME
os.environ["GENGA_PROFILE"] = "embedded"
os.environ["GENGA_CALIBRATE"] = "0"
os.environ["GENGA_ALLOWED_HOSTS"] = "localhost,127.0.0.1,testserver"
# Tests run in several processes: torch threads that spin would take the cores from each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in ("GENGA_DATABASE_URL", "GENGA_REDIS_URL", "GENGA_S3_BUCKET", "GENGA_DEBUG"):
    os.environ.pop(name, None)
