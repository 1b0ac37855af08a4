/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of days and months are English in every locale. */
#include "wire/http_date.h"

#include <stdio.h>
#include <time.h>

void c2_http_date_text(int64_t seconds, char out[C2_REMOTE_MODIFIED_MAX])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t at = (time_t)seconds;
    struct tm t;

    out[0] = '\0';
    if (!gmtime_r(&at, &t)) return;
    snprintf(out, C2_REMOTE_MODIFIED_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday % 7],
             t.tm_mday, months[t.tm_mon % 12], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}
