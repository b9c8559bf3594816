/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels are measured one by one within whole runs, so that caches are in the
 * state that the model leaves them in.
 */
#include "cli/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The steps of one group are kernels of one name, of which the first is said to
 * have all its operations: together they are one layer. */
static void add_layer(struct layers *layers, const struct layer *layer) {
  struct layer *last =
      layers->count > 0 ? &layers->items[layers->count - 1] : NULL;
  if (last && layer->flops == 0 && !strcmp(last->name, layer->name) &&
      !strcmp(last->template_name, layer->template_name))
    last->ms += layer->ms;
  else
    layers->items[layers->count++] = *layer;
  layers->total_ms += layer->ms;
}

enum adze_status layers_measure(struct arena *arena, struct session *session,
                                int runs, double peak, struct layers *out,
                                struct adze_error *error) {
  size_t count = adze_model_kernel_count(session->model);
  int64_t *ns = ARENA_ARRAY(session->arena, int64_t, count + 1);
  double *ms = ARENA_ARRAY(session->arena, double, count + 1);
  *out = (struct layers){.items = ARENA_ARRAY(arena, struct layer, count + 1),
                         .peak = peak};
  for (int run = -1; run < runs; run++) {
    TRY(adze_instance_profile(session->instance, ns, error));
    for (size_t i = 0; i < count && run >= 0; i++)
      ms[i] += (double)ns[i] * 1e-6 / runs;
  }
  for (size_t i = 0; i < count; i++) {
    struct layer layer = {.ms = ms[i]};
    const char *name, *template_name;
    adze_model_kernel(session->model, i, &name, &template_name, &layer.flops);
    layer.name = arena_strdup(arena, name);
    layer.template_name = arena_strdup(arena, template_name);
    add_layer(out, &layer);
  }
  return ADZE_OK;
}

double layers_flops(const adze_model *model) {
  double total = 0;
  for (size_t i = 0; i < adze_model_kernel_count(model); i++) {
    const char *name, *template_name;
    double flops;
    adze_model_kernel(model, i, &name, &template_name, &flops);
    total += flops;
  }
  return total;
}

static int slower_first(const void *a, const void *b) {
  double left = ((const struct layer *)a)->ms;
  double right = ((const struct layer *)b)->ms;
  return (left < right) - (left > right);
}

void layers_sort(struct layers *layers) {
  qsort(layers->items, layers->count, sizeof *layers->items, slower_first);
}

double layer_gflops(const struct layer *layer) {
  return layer->ms > 0 ? layer->flops / layer->ms * 1e-6 : 0;
}

double layer_peak_share(const struct layers *layers,
                        const struct layer *layer) {
  return layers->peak > 0 ? layer_gflops(layer) / layers->peak : 0;
}

double layer_share(const struct layers *layers, const struct layer *layer) {
  return layers->total_ms > 0 ? layer->ms / layers->total_ms : 0;
}

void layers_print(const struct layers *layers) {
  printf("%10s %7s %10s %6s  %-20s %s\n", "ms", "share", "GFLOP/s", "peak",
         "template", "kernel");
  for (size_t i = 0; i < layers->count; i++) {
    const struct layer *layer = &layers->items[i];
    printf("%10.4f %6.1f%% %10.1f %5.1f%%  %-20s %s\n", layer->ms,
           100 * layer_share(layers, layer), layer_gflops(layer),
           100 * layer_peak_share(layers, layer), layer->template_name,
           layer->name);
  }
  printf("%10.4f %6.1f%%  in %zu layers\n", layers->total_ms, 100.0,
         layers->count);
}
