/* SPDX-License-Identifier: BSD-3-Clause */
/* A display plugin: the power spectrum of a 1-d signal, a bar a frequency, logarithmic.
 *
 *   cc -O2 -shared -fPIC -o plugins/spectrum.so plugin_spectrum.c -lm $(pkg-config --cflags caterva2)
 *   cat2sub --plugin-dir plugins
 *
 * shows it under every 1-d dataset of float64 with the attribute contenttype = "signal". Only the samples
 * drawn are fetched: 1024 from `?first=` on. docs/plugins.md has the rules. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caterva2/plugin.h>

#define SAMPLES 1024
#define BARS    (SAMPLES / 2)
#define HEIGHT  256
#define DECADES 12.0 /* from the top to the bottom of the picture */

/* "first=NUMBER" of the query; 0 without. */
static long long first_of(const char *query)
{
    const char *at = strstr(query, "first=");

    return at ? atoll(at + strlen("first=")) : 0;
}

/* Squares of the discrete Fourier transform, by its definition: half a million steps are soon done. */
static void spectrum(const double *samples, int n, double *power)
{
    double cosine[SAMPLES], sine[SAMPLES];

    for (int i = 0; i < n; i++) {
        cosine[i] = cos(2 * M_PI * i / n);
        sine[i] = sin(2 * M_PI * i / n);
    }
    for (int k = 0; k < n / 2; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < n; i++) {
            re += samples[i] * cosine[(long)k * i % n];
            im -= samples[i] * sine[(long)k * i % n];
        }
        power[k] = re * re + im * im;
    }
}

static void draw(const double *power, int nbars, uint8_t *rgba)
{
    double most = 1e-300;

    for (int k = 0; k < nbars; k++)
        if (power[k] > most) most = power[k];
    for (int k = 0; k < nbars; k++) {
        double low = -log10(power[k] / most + 1e-300) / DECADES; /* 0 at the top */
        for (int y = low < 1 ? (int)(low * HEIGHT) : HEIGHT; y < HEIGHT; y++)
            memcpy(rgba + 4 * (y * nbars + k), (uint8_t[]){10, 110, 115, 255}, 4);
    }
}

static bool show(const struct cat2_plugin_dataset *ds, const struct cat2_plugin_host *host)
{
    double samples[SAMPLES], power[BARS];
    long long first = first_of(ds->query), left = ds->shape[0] - first;
    int n = left < SAMPLES ? (int)left : SAMPLES;
    char slice[64];

    if (strcmp(ds->dtype, "<f8") != 0 || first < 0 || n < 4) {
        host->fail(host->ctx, "a spectrum needs four float64 samples or more");
        return false;
    }
    snprintf(slice, sizeof(slice), "%lld:%lld", first, first + n);
    if (!host->fetch(host->ctx, slice, samples, (size_t)n * sizeof(double)))
        return false; /* the host knows why */
    spectrum(samples, n, power);
    uint8_t *rgba = calloc((size_t)(n / 2) * HEIGHT, 4);
    if (!rgba) return false;
    draw(power, n / 2, rgba);
    bool ok = host->picture(host->ctx, rgba, n / 2, HEIGHT);
    free(rgba);
    return ok;
}

const struct cat2_plugin *cat2_plugin(void)
{
    static const struct cat2_plugin plugin = {.abi = CAT2_PLUGIN_ABI,
                                              .name = "spectrum",
                                              .title = "Power spectrum",
                                              .contenttypes = "signal",
                                              .ndim_min = 1,
                                              .ndim_max = 1,
                                              .show = show};

    return &plugin;
}
