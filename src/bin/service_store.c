/* SPDX-License-Identifier: BSD-3-Clause */
/* What the options say of stores of objects. */
#include "bin/service.h"
#include "publisher/publisher.h"

void c2_service_store(const struct c2_service *service, struct c2_object_store_settings *out)
{
    *out = (struct c2_object_store_settings){.endpoint = c2_options_text(service->options, "s3-endpoint"),
                                             .region = c2_options_text(service->options, "s3-region"),
                                             .profile = c2_options_text(service->options, "s3-profile"),
                                             .addressing = c2_options_text(service->options, "s3-addressing"),
                                             .authorities = &service->authorities};
}
