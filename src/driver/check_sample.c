/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of a group's output against its operators' own expressions.
 *
 * Templates sum in another order than the expression says, and Winograd's
 * transform even adds terms that cancel. The error of a sum is relative to its
 * terms, not to what little may be left of them, so what is allowed is relative
 * to the largest sampled magnitude of the output; and, where that is not
 * enough, to the magnitudes of the terms. Integers must be equal.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "driver/check.h"
#include "ir/interpret.h"
#include "ir/scalar.h"
#include "op/express.h"

struct sampling {
  struct check *check;
  VEC(struct stage *) stages;
  VEC(struct interpret_memory) memory;
  struct map buffers; /* value id + 1 to its logical buffer */
  size_t buffer_count;
};

static struct buffer *logical_buffer(struct sampling *sampling,
                                     const struct value *value) {
  struct compilation *compilation = &sampling->check->compilation;
  struct buffer *buffer =
      map_get_key(&sampling->buffers, (uint64_t)value->id + 1);
  if (buffer)
    return buffer;
  buffer = buffer_new(
      compilation->graph->pool,
      arena_printf(compilation->arena, "p%zu", sampling->buffer_count++),
      value->dtype, BUFFER_ARGUMENT, value->dims, value->rank);
  map_set_key(&sampling->buffers, (uint64_t)value->id + 1, buffer);
  return buffer;
}

static bool is_made_by(struct node *const *nodes, size_t count,
                       const struct value *value) {
  for (size_t i = 0; i < count; i++)
    if (nodes[i] == value->producer)
      return true;
  return false;
}

/* What the group reads is real: what the kernels before it computed. */
static enum adze_status add_input(struct sampling *sampling,
                                  const struct value *value) {
  struct check *check = sampling->check;
  struct interpret_memory memory = {.buffer = logical_buffer(sampling, value)};
  for (size_t i = 0; i < sampling->memory.count; i++)
    if (sampling->memory.data[i].buffer == memory.buffer)
      return ADZE_OK;
  if (value->constant) {
    memory.data = value->constant->data;
    memory.bytes = value->constant->bytes;
  } else {
    const struct guarded *dense;
    TRY(check_dense(check, value, &dense));
    memory.data = dense->data;
    memory.bytes = dense->bytes;
  }
  vec_push(check->compilation.arena, &sampling->memory, memory);
  return ADZE_OK;
}

static enum adze_status add_stages(struct sampling *sampling,
                                   struct node *const *nodes, size_t count) {
  struct arena *arena = sampling->check->compilation.arena;
  for (size_t n = 0; n < count; n++) {
    const struct node *node = nodes[n];
    struct buffer **in =
        ARENA_ARRAY(arena, struct buffer *, node->input_count + 1);
    struct buffer **out =
        ARENA_ARRAY(arena, struct buffer *, node->output_count + 1);
    for (size_t i = 0; i < node->input_count; i++) {
      if (!node->inputs[i])
        continue;
      in[i] = logical_buffer(sampling, node->inputs[i]);
      if (node_reads(node, i) && !is_made_by(nodes, count, node->inputs[i]))
        TRY(add_input(sampling, node->inputs[i]));
    }
    for (size_t i = 0; i < node->output_count; i++)
      if (node->outputs[i])
        out[i] = logical_buffer(sampling, node->outputs[i]);
    struct express express = {.pool = sampling->check->compilation.graph->pool,
                              .node = node,
                              .inputs = in,
                              .outputs = out,
                              .error = sampling->check->error};
    TRY(node_express(&express));
    for (size_t i = 0; i < express.stages.count; i++)
      vec_push(arena, &sampling->stages, express.stages.data[i]);
  }
  return ADZE_OK;
}

/* ---- Which elements ------------------------------------------------------ */
static int64_t random_below(struct check *check, int64_t extent) {
  return (int64_t)(check_random(check) % (uint64_t)extent);
}

/* The first and the last element, corners, places near the ends, where tiles
 * are partial, and the rest anywhere. */
static void choose_place(struct check *check, size_t sample,
                         const int64_t *dims, size_t rank, int64_t *place) {
  enum { NEAR = 16 };
  size_t quarter = check->options->samples / 4;
  for (size_t d = 0; d < rank; d++) {
    int64_t extent = dims[d], near = extent < NEAR ? extent : NEAR;
    if (sample < 2)
      place[d] = sample ? extent - 1 : 0;
    else if (sample < quarter)
      place[d] = random_below(check, 2) ? extent - 1 : 0;
    else if (sample < 2 * quarter)
      place[d] = extent - 1 - random_below(check, near);
    else
      place[d] = random_below(check, extent);
  }
}

static double element_real(enum adze_dtype dtype, const void *bytes) {
  union scalar scalar = scalar_load(dtype, bytes);
  bool is_real = dtype == ADZE_F16 || dtype == ADZE_BF16 ||
                 dtype == ADZE_F32 || dtype == ADZE_F64;
  return is_real ? scalar.real : (double)scalar.integer;
}

/* ---- Comparing ----------------------------------------------------------- */
/* The reference adds one term after the other. Where all are positive, as in a
 * mean over an image, its own rounding may lean one way: 5e-4 for 160000 terms.
 * So every so many terms allow as much error again. */
static const double TERMS = 1 << 14;

/* Of the longest sum among the stages. */
static enum adze_status count_terms(const struct sampling *sampling,
                                    double *out) {
  *out = 0;
  for (size_t s = 0; s < sampling->stages.count; s++) {
    const struct stage *stage = sampling->stages.data[s];
    double terms = stage->reduce == REDUCE_SUM ? 1 : 0;
    for (size_t r = 0; r < stage->reduction_count; r++) {
      int64_t extent;
      TRY(check_number(sampling->check, stage->reductions[r]->extent,
                       &extent));
      terms *= (double)extent;
    }
    *out = terms > *out ? terms : *out;
  }
  return ADZE_OK;
}

/* Whether a stage sums into elements of the value's shape, as a convolution
 * does before its epilogue. */
static bool sums_alike(const struct stage *stage, const struct value *value) {
  bool alike = stage->reduce == REDUCE_SUM &&
               stage->output->dtype == ADZE_F32 &&
               stage->output->rank == value->rank;
  for (size_t d = 0; d < value->rank && alike; d++)
    alike = stage->output->shape[d] == value->dims[d];
  return alike;
}

struct sample {
  int64_t place[GRAPH_MAX_RANK];
  double found, expected;
};

static const char *place_text(struct check *check, const struct sample *sample,
                              size_t rank) {
  struct text text = {.arena = check->compilation.arena};
  text_add(&text, "[");
  for (size_t d = 0; d < rank; d++)
    text_format(&text, "%s%" PRId64, d ? "," : "", sample->place[d]);
  text_add(&text, "]");
  return text_string(&text);
}

static double error_of(const struct sample *sample) {
  if (sample->found == sample->expected ||
      (isnan(sample->found) && isnan(sample->expected)))
    return 0;
  double error = fabs(sample->found - sample->expected);
  return isnan(error) ? INFINITY : error;
}

/* The sum of the terms' magnitudes for an element, or 0 where it is no sum:
 * what its error is relative to where terms cancel. */
static enum adze_status sum_terms(struct sampling *sampling,
                                  const struct value *value,
                                  const struct sample *sample, double *out) {
  struct compilation *compilation = &sampling->check->compilation;
  struct expr_pool *pool = compilation->graph->pool;
  const struct stage *sum = NULL;
  *out = 0;
  for (size_t i = 0; i < sampling->stages.count; i++)
    if (sums_alike(sampling->stages.data[i], value))
      sum = sampling->stages.data[i];
  if (!sum)
    return ADZE_OK;
  struct stage *magnitude = arena_copy(compilation->arena, sum, sizeof *sum);
  magnitude->output = buffer_new(pool, "magnitude", ADZE_F32, BUFFER_ARGUMENT,
                                 value->dims, value->rank);
  magnitude->initial = expr_real(pool, ADZE_F32, 0);
  magnitude->body = expr_unary(pool, EXPR_ABS, sum->body);
  vec_push(compilation->arena, &sampling->stages, magnitude);
  float number;
  TRY(interpret_element(pool, sampling->stages.data, sampling->stages.count,
                        sampling->memory.data, sampling->memory.count,
                        sampling->check->symbols, sampling->check->symbol_count,
                        magnitude, sample->place, &number,
                        sampling->check->error));
  *out = isfinite(number) ? (double)number : 0;
  return ADZE_OK;
}

static enum adze_status compare(struct sampling *sampling,
                                const struct value *value,
                                const struct sample *samples, size_t count,
                                struct adze_check_group *report) {
  struct check *check = sampling->check;
  bool is_real = value->dtype == ADZE_F16 || value->dtype == ADZE_BF16 ||
                 value->dtype == ADZE_F32 || value->dtype == ADZE_F64;
  double largest = 0, terms;
  TRY(count_terms(sampling, &terms));
  double rtol = check->options->rtol * (1 + terms / TERMS);
  const struct sample *worst = &samples[0];
  for (size_t i = 0; i < count; i++) {
    if (isfinite(samples[i].expected) &&
        fabs(samples[i].expected) > largest)
      largest = fabs(samples[i].expected);
    if (error_of(&samples[i]) > error_of(worst))
      worst = &samples[i];
  }
  double allowed =
      is_real ? check->options->atol + rtol * largest : 0;
  double error = error_of(worst), magnitude = 0;
  if (error > allowed && is_real) {
    TRY(sum_terms(sampling, value, worst, &magnitude));
    allowed = fmax(allowed, check->options->atol + rtol / 10 * magnitude);
  }
  double relative = error == 0 ? 0 : error / (largest > 0 ? largest : 1);
  if (relative > report->worst)
    report->worst = relative;
  report->samples += count;
  if (error <= allowed)
    return ADZE_OK;
  return fail(check->error, ADZE_MISMATCH,
              "element %s of '%s' is %.9g, the reference gives %.9g (allowed: "
              "%.3g)",
              place_text(check, worst, value->rank), value->name, worst->found,
              worst->expected, allowed);
}

static enum adze_status take_sample(struct sampling *sampling,
                                    const struct value *value,
                                    const struct stage *stage,
                                    const int64_t *dims, size_t number,
                                    struct sample *out) {
  struct check *check = sampling->check;
  const struct guarded *dense = &check->values[value->id].dense;
  size_t bytes = adze_dtype_bytes(value->dtype), index = 0;
  uint64_t expected;
  choose_place(check, number, dims, value->rank, out->place);
  for (size_t d = 0; d < value->rank; d++)
    index = index * (size_t)dims[d] + (size_t)out->place[d];
  TRY(interpret_element(check->compilation.graph->pool, sampling->stages.data,
                        sampling->stages.count, sampling->memory.data,
                        sampling->memory.count, check->symbols,
                        check->symbol_count, stage, out->place, &expected,
                        check->error));
  out->expected = element_real(value->dtype, &expected);
  out->found = element_real(value->dtype, dense->data + index * bytes);
  return ADZE_OK;
}

static enum adze_status sample_value(struct sampling *sampling,
                                     const struct value *value,
                                     struct adze_check_group *report) {
  struct check *check = sampling->check;
  const struct buffer *buffer = logical_buffer(sampling, value);
  const struct stage *stage = NULL;
  const struct guarded *dense;
  int64_t dims[GRAPH_MAX_RANK];
  TRY(check_dense(check, value, &dense));
  for (size_t i = 0; i < sampling->stages.count; i++)
    if (sampling->stages.data[i]->output == buffer)
      stage = sampling->stages.data[i];
  if (!stage || dense->bytes == 0)
    return ADZE_OK;
  for (size_t d = 0; d < value->rank; d++)
    TRY(check_number(check, value->dims[d], &dims[d]));
  /* Every element once is enough. */
  size_t count = dense->bytes / adze_dtype_bytes(value->dtype);
  if (count > check->options->samples)
    count = check->options->samples;
  struct sample *samples =
      ARENA_ARRAY(check->compilation.arena, struct sample, count + 1);
  for (size_t i = 0; i < count; i++)
    TRY(take_sample(sampling, value, stage, dims, i, &samples[i]));
  return count ? compare(sampling, value, samples, count, report) : ADZE_OK;
}

enum adze_status check_sample(struct check *check, struct node *const *nodes,
                              size_t node_count,
                              struct adze_check_group *report) {
  struct sampling sampling = {.check = check};
  map_init(&sampling.buffers, check->compilation.arena);
  TRY(add_stages(&sampling, nodes, node_count));
  const struct node *last = nodes[node_count - 1];
  for (size_t i = 0; i < last->output_count; i++)
    if (last->outputs[i])
      TRY(sample_value(&sampling, last->outputs[i], report));
  return ADZE_OK;
}
