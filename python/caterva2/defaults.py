# SPDX-License-Identifier: BSD-3-Clause
"""Where services are unless one says otherwise."""
bro_host_default = "localhost:8000"
"""The broker."""
pub_host_default = "localhost:8001"
"""A publisher."""
sub_host_default = "localhost:8002"
"""A subscriber: the one that clients talk to."""
