# SPDX-License-Identifier: BSD-3-Clause
"""What was started as python -m caterva2.services.NAME in 2024. The services are programs: cat2bro, cat2pub, cat2sub."""
