/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels from groups.
 *
 * Operators express themselves over logical, dense buffers. Here each such
 * stage is rewritten for memory as it is placed: the channel axis c of a
 * blocked output becomes c*B + lane, loads go through the placement of what
 * they read. The lanes past the last channel compute something finite: what
 * they read of plain operands is guarded, of constants padded with zeros.
 */
#include "schedule/builder.h"

#include <stdio.h>
#include <string.h>

#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/regroup.h"

void builder_init(struct builder *builder, struct graph *graph,
                  const struct machine *machine, const struct group *group,
                  const struct placement *placements, int64_t block,
                  struct adze_error *error) {
  *builder = (struct builder){
      .pool = graph->pool,
      .arena = graph->arena,
      .graph = graph,
      .machine = machine,
      .group = group,
      .placements = placements,
      .block = block,
      .error = error,
  };
  map_init(&builder->buffers, graph->arena);
}

/* ---- Names -------------------------------------------------------------- */
static bool name_taken(const struct builder *builder, const char *name) {
  for (size_t i = 0; i < builder->names.count; i++)
    if (!strcmp(builder->names.data[i], name))
      return true;
  return false;
}

const char *builder_name(struct builder *builder, const char *name) {
  char *clean = arena_strndup(builder->arena, name, strnlen(name, 40));
  for (char *c = clean; *c; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
          (*c >= '0' && *c <= '9')))
      *c = '_';
  if (*clean == 0 || (*clean >= '0' && *clean <= '9'))
    clean = arena_printf(builder->arena, "v%s", clean);
  const char *unique = clean;
  for (int number = 2; name_taken(builder, unique); number++)
    unique = arena_printf(builder->arena, "%s_%d", clean, number);
  vec_push(builder->arena, &builder->names, unique);
  return unique;
}

/* ---- Buffers ------------------------------------------------------------ */
static void add_parameter(struct builder *builder, struct parameter added) {
  vec_push(builder->arena, &builder->parameters, added);
}

void builder_add_temporary(struct builder *builder, struct buffer *buffer) {
  add_parameter(builder,
                (struct parameter){.buffer = buffer, .is_temporary = true});
}

static struct buffer *add_constant(struct builder *builder,
                                   struct buffer *buffer, struct stage *stage,
                                   const struct value *source,
                                   struct buffer *source_buffer) {
  struct packed_constant *constant =
      ARENA_NEW(builder->arena, struct packed_constant);
  *constant =
      (struct packed_constant){buffer, stage, source, source_buffer};
  buffer->is_constant = true;
  add_parameter(builder,
                (struct parameter){.buffer = buffer, .constant = constant});
  return buffer;
}

/* Made and used up inside the group: not by its last node. */
static bool made_inside(const struct builder *builder,
                        const struct value *value) {
  const struct group *group = builder->group;
  for (size_t i = 0; i + 1 < group->nodes.count; i++)
    if (group->nodes.data[i] == value->producer)
      return true;
  return false;
}

static struct buffer *dense_buffer(struct builder *builder,
                                   const struct value *value) {
  return buffer_new(builder->pool, builder_name(builder, value->name),
                    value->dtype, BUFFER_ARGUMENT, value->dims, value->rank);
}

struct buffer *builder_buffer(struct builder *builder,
                              const struct value *value) {
  struct buffer *known =
      map_get_key(&builder->buffers, (uint64_t)value->id + 1);
  if (known)
    return known;
  struct buffer *buffer;
  if (value->constant) {
    buffer = add_constant(builder, dense_buffer(builder, value), NULL, value,
                          NULL);
  } else if (made_inside(builder, value)) {
    const struct expr *shape[LOOP_MAX_RANK];
    size_t rank = placement_shape(builder->pool, value,
                                  &builder->placements[value->id], shape);
    buffer = buffer_new(builder->pool, builder_name(builder, value->name),
                        value->dtype, BUFFER_STACK, shape, rank);
  } else {
    buffer = placement_buffer(builder->pool, value, builder->placements);
    buffer->name = builder_name(builder, value->name);
    add_parameter(builder,
                  (struct parameter){.buffer = buffer, .value = value});
  }
  map_set_key(&builder->buffers, (uint64_t)value->id + 1, buffer);
  return buffer;
}

struct stage *builder_stage(struct builder *builder, struct buffer *output) {
  struct stage *stage = ARENA_NEW(builder->arena, struct stage);
  *stage = (struct stage){
      .name = output->name, .output = output, .axis_count = output->rank};
  for (size_t i = 0; i < output->rank; i++)
    stage->axes[i] = variable_new(
        builder->pool,
        arena_printf(builder->arena, "%s.a%zu", stage->name, i),
        output->shape[i]);
  return stage;
}

struct stage *builder_add_stage(struct builder *builder, struct buffer *output,
                                const struct expr **axes) {
  struct stage *stage = builder_stage(builder, output);
  for (size_t i = 0; i < output->rank; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  vec_push(builder->arena, &builder->stages, stage);
  return stage;
}

const struct expr *builder_reduction(struct builder *builder,
                                     struct stage *stage, const char *name,
                                     const struct expr *extent) {
  check(stage->reduction_count < LOOP_MAX_RANK);
  struct variable *v = variable_new(
      builder->pool, arena_printf(builder->arena, "%s.%s", stage->name, name),
      extent);
  stage->reductions[stage->reduction_count++] = v;
  return expr_variable(builder->pool, v);
}

struct buffer *builder_pack(
    struct builder *builder, const struct value *source, const char *suffix,
    const struct expr *const *shape, size_t rank,
    const struct expr *(*make)(void *context, struct expr_pool *pool,
                               struct buffer *source,
                               const struct expr *const *axes),
    void *context) {
  struct buffer *raw =
      buffer_new(builder->pool, "source", source->dtype, BUFFER_ARGUMENT,
                 source->dims, source->rank);
  struct buffer *packed = buffer_new(
      builder->pool,
      builder_name(builder, arena_printf(builder->arena, "%.24s_%s",
                                         source->name, suffix)),
      source->dtype, BUFFER_ARGUMENT, shape, rank);
  struct stage *stage = builder_stage(builder, packed);
  const struct expr *axes[LOOP_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  stage->body = make(context, builder->pool, raw, axes);
  return add_constant(builder, packed, stage, source, raw);
}

struct buffer *builder_packed(const struct builder *builder,
                              const struct value *source) {
  for (size_t i = 0; i < builder->parameters.count; i++) {
    const struct parameter *parameter = &builder->parameters.data[i];
    if (parameter->constant && parameter->constant->source == source)
      return parameter->buffer;
  }
  unreachable();
}

/* ---- Rewriting stages for memory ---------------------------------------- */
struct rewriting {
  struct builder *builder;
  const struct node *node;
  struct buffer **logical_inputs, **logical_outputs;
  const struct expr *channel; /* blocked output: c*B + lane, else NULL */
  int64_t channels;           /* when channel may run past it, else 0 */
  const struct variable *lane;
  /* Intermediates of the shape of the output, read element by element: local
   * buffers, placed as the output is. */
  VEC(const struct buffer *) logical_locals;
  VEC(struct buffer *) locals;
};

struct padding {
  size_t axis;
  int64_t size;
};
static const struct expr *pad_axis(void *context, struct expr_pool *pool,
                                   struct buffer *source,
                                   const struct expr *const *axes) {
  const struct padding *padding = context;
  return expr_select(
      pool,
      expr_less(pool, axes[padding->axis], expr_index(pool, padding->size)),
      expr_load(pool, source, axes, source->rank),
      expr_constant(pool, source->dtype, 0));
}

static const struct expr *load_padded_constant(struct rewriting *r,
                                               const struct value *value,
                                               size_t axis,
                                               const struct expr *node) {
  struct builder *builder = r->builder;
  uint64_t key = ((uint64_t)(axis + 1) << 32) + value->id + 1;
  struct buffer *padded = map_get_key(&builder->buffers, key);
  if (!padded) {
    const struct expr *shape[LOOP_MAX_RANK];
    memcpy(shape, value->dims, sizeof shape);
    shape[axis] = expr_index(
        builder->pool,
        ceil_div(r->channels, builder->block) * builder->block);
    struct padding padding = {axis, r->channels};
    padded = builder_pack(builder, value, "padded", shape, value->rank,
                          pad_axis, &padding);
    map_set_key(&builder->buffers, key, padded);
  }
  return expr_load(builder->pool, padded, node->args, node->arg_count);
}

static const struct expr *load_value(struct rewriting *r,
                                     const struct value *value,
                                     const struct expr *node) {
  struct builder *builder = r->builder;
  struct expr_pool *pool = builder->pool;
  bool guard = false;
  const struct placement *placement = &builder->placements[value->id];
  bool plain = value->constant || !placement->block;
  for (size_t i = 0; i < node->arg_count && r->channels; i++) {
    bool is_channel = node->args[i] == r->channel;
    if (is_channel && value->constant)
      return load_padded_constant(r, value, i, node);
    /* A blocked operand has lanes past its last channel too, at the same
     * place; another place may be outside. */
    if ((plain || !is_channel) &&
        expr_uses_variable(pool, node->args[i], r->lane))
      guard = true;
  }
  const struct expr *indices[LOOP_MAX_RANK];
  struct buffer *buffer = builder_buffer(builder, value);
  size_t rank = node->arg_count;
  if (value->constant)
    memcpy(indices, node->args, rank * sizeof *indices);
  else
    rank = placement_indices(pool, placement, node->arg_count, node->args,
                             indices);
  const struct expr *load = expr_load(pool, buffer, indices, rank);
  if (!guard)
    return load;
  return expr_select(
      pool, expr_less(pool, r->channel, expr_index(pool, r->channels)), load,
      expr_constant(pool, value->dtype, 0));
}

static struct buffer *local_of(const struct rewriting *r,
                               const struct buffer *logical) {
  for (size_t i = 0; i < r->logical_locals.count; i++)
    if (r->logical_locals.data[i] == logical)
      return r->locals.data[i];
  return NULL;
}

static const struct expr *load_local(struct rewriting *r,
                                     struct buffer *local,
                                     const struct expr *node) {
  const struct value *output = r->node->outputs[0];
  const struct expr *indices[LOOP_MAX_RANK];
  size_t rank = placement_indices(r->builder->pool,
                                  &r->builder->placements[output->id],
                                  node->arg_count, node->args, indices);
  return expr_load(r->builder->pool, local, indices, rank);
}

static const struct expr *rewrite_load(void *context,
                                       const struct expr *node) {
  struct rewriting *r = context;
  if (node->kind != EXPR_LOAD)
    return node;
  for (size_t i = 0; i < r->node->input_count; i++)
    if (r->logical_inputs[i] && node->buffer == r->logical_inputs[i])
      return load_value(r, r->node->inputs[i], node);
  for (size_t i = 0; i < r->node->output_count; i++)
    if (r->logical_outputs[i] && node->buffer == r->logical_outputs[i])
      return load_value(r, r->node->outputs[i], node);
  struct buffer *local = local_of(r, node->buffer);
  return local ? load_local(r, local, node) : node;
}

/* The stage's axes anew, with names of their own; blocked outputs split the
 * channel. Returns what to substitute for the old axes. */
static size_t rewrite_axes(struct rewriting *r, const struct stage *old,
                           struct stage *stage, const struct value *output,
                           struct substitution *substitutions) {
  struct expr_pool *pool = r->builder->pool;
  for (size_t i = 0; i < old->axis_count; i++)
    substitutions[i] = (struct substitution){
        old->axes[i], expr_variable(pool, stage->axes[i])};
  r->channel = NULL;
  r->channels = 0;
  if (output && r->builder->placements[output->id].block) {
    int64_t block = r->builder->placements[output->id].block;
    const struct expr *c = simplify(
        pool, expr_add(pool,
                       expr_mul(pool, expr_variable(pool, stage->axes[1]),
                                expr_index(pool, block)),
                       expr_variable(pool, stage->axes[output->rank])));
    substitutions[1].value = c;
    int64_t channels = value_dim(output, 1);
    r->channel = c;
    r->lane = stage->axes[output->rank];
    if (channels % block != 0)
      r->channels = channels;
  }
  return old->axis_count;
}

static struct stage *rewrite_stage(struct rewriting *r,
                                   const struct stage *old) {
  struct builder *builder = r->builder;
  struct expr_pool *pool = builder->pool;
  const struct value *output = NULL;
  for (size_t i = 0; i < r->node->output_count; i++)
    if (r->logical_outputs[i] == old->output)
      output = r->node->outputs[i];
  struct buffer *buffer = old->output, *local = local_of(r, buffer);
  if (output) {
    buffer = builder_buffer(builder, output);
  } else if (local) {
    buffer = local;
    output = r->node->outputs[0];
  } else if (builder->local_temporaries) {
    buffer->name = builder_name(builder, buffer->name);
    buffer->scope = BUFFER_WORKER;
  } else {
    buffer->name = builder_name(builder, buffer->name);
    builder_add_temporary(builder, buffer);
  }
  struct stage *stage = builder_stage(builder, buffer);
  struct substitution substitutions[LOOP_MAX_RANK * 2];
  size_t count = rewrite_axes(r, old, stage, output, substitutions);
  for (size_t i = 0; i < old->reduction_count; i++)
    substitutions[count++] = (struct substitution){
        old->reductions[i],
        builder_reduction(builder, stage, old->reductions[i]->name,
                          old->reductions[i]->extent)};
  stage->reduce = old->reduce;
  stage->body = expr_map(
      pool, expr_substitute(pool, old->body, substitutions, count),
      rewrite_load, r);
  if (old->initial)
    stage->initial = expr_map(
        pool, expr_substitute(pool, old->initial, substitutions, count),
        rewrite_load, r);
  return stage;
}

struct read_check {
  const struct buffer *buffer;
  const struct stage *reader;
  size_t reads;
  bool elementwise;
};
static void check_read(void *context, const struct expr *node) {
  struct read_check *read = context;
  if (node->kind != EXPR_LOAD || node->buffer != read->buffer)
    return;
  read->reads++;
  for (size_t i = 0; i < node->arg_count; i++)
    if (node->args[i]->kind != EXPR_VARIABLE ||
        node->args[i]->variable != read->reader->axes[i])
      read->elementwise = false;
}

static void find_locals(struct rewriting *r, const struct express *express) {
  struct builder *builder = r->builder;
  const struct value *output = r->node->outputs[0];
  for (size_t i = 0; i + 1 < express->stages.count; i++) {
    struct buffer *buffer = express->stages.data[i]->output;
    struct read_check read = {.buffer = buffer, .elementwise = true};
    for (size_t s = 0; s < express->stages.count; s++) {
      read.reader = express->stages.data[s];
      expr_walk(builder->pool, read.reader->body, check_read, &read);
      if (read.reader->initial)
        expr_walk(builder->pool, read.reader->initial, check_read, &read);
    }
    bool same_shape = buffer->rank == output->rank;
    for (size_t d = 0; d < buffer->rank && same_shape; d++)
      same_shape = buffer->shape[d] == output->dims[d];
    if (!same_shape || !read.elementwise || read.reads == 0 ||
        buffer == r->logical_outputs[0])
      continue;
    const struct expr *shape[LOOP_MAX_RANK];
    size_t rank =
        placement_shape(builder->pool, output,
                        &builder->placements[output->id], shape);
    vec_push(builder->arena, &r->logical_locals, buffer);
    vec_push(builder->arena, &r->locals,
             buffer_new(builder->pool, builder_name(builder, buffer->name),
                        buffer->dtype, BUFFER_STACK, shape, rank));
  }
}

enum adze_status builder_express(struct builder *builder,
                                 const struct node *node) {
  struct arena *arena = builder->arena;
  struct rewriting r = {.builder = builder, .node = node};
  r.logical_inputs = ARENA_ARRAY(arena, struct buffer *, node->input_count);
  r.logical_outputs = ARENA_ARRAY(arena, struct buffer *, node->output_count);
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i])
      r.logical_inputs[i] = buffer_new(
          builder->pool, node->inputs[i]->name, node->inputs[i]->dtype,
          BUFFER_ARGUMENT, node->inputs[i]->dims, node->inputs[i]->rank);
  for (size_t i = 0; i < node->output_count; i++)
    r.logical_outputs[i] = buffer_new(
        builder->pool, node->outputs[i]->name, node->outputs[i]->dtype,
        BUFFER_ARGUMENT, node->outputs[i]->dims, node->outputs[i]->rank);
  struct express express = {
      .pool = builder->pool,
      .node = node,
      .inputs = r.logical_inputs,
      .outputs = r.logical_outputs,
      .error = builder->error,
  };
  TRY(node_express(&express));
  find_locals(&r, &express);
  for (size_t i = 0; i < express.stages.count; i++)
    vec_push(arena, &builder->stages,
             rewrite_stage(&r, express.stages.data[i]));
  return ADZE_OK;
}

/* ---- Kernels ------------------------------------------------------------ */
enum adze_status builder_make_stages(struct builder *builder) {
  const struct group *group = builder->group;
  if (group->template->express)
    TRY(group->template->express(builder));
  else
    for (size_t i = 0; i < group->anchor_count; i++)
      TRY(builder_express(builder, group->nodes.data[i]));
  for (size_t i = group->anchor_count; i < group->nodes.count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  if (group->template->regroup)
    regroup_rows(builder, group->template->regroup(builder));
  return ADZE_OK;
}

struct function *builder_expand(struct builder *builder) {
  struct buffer **parameters =
      ARENA_ARRAY(builder->arena, struct buffer *, builder->parameters.count);
  for (size_t i = 0; i < builder->parameters.count; i++)
    parameters[i] = builder->parameters.data[i].buffer;
  return expand(builder->pool, "kernel", builder->stages.data,
                builder->stages.count, parameters, builder->parameters.count);
}

void builder_add_halos(struct builder *builder, struct function *function) {
  const struct group *group = builder->group;
  const struct node *last = group->nodes.data[group->nodes.count - 1];
  for (size_t i = 0; i < last->output_count; i++)
    if (last->outputs[i])
      common_zero_halo(function, builder_buffer(builder, last->outputs[i]));
}

enum adze_status builder_schedule(struct builder *builder,
                                  struct function **out, const char **trace) {
  const struct template *template = builder->group->template;
  struct function *function = builder_expand(builder);
  struct schedule schedule;
  schedule_init(&schedule, function, builder->machine, builder->error);
  int64_t chosen[TEMPLATE_MAX_KNOBS] = {0};
  if (!builder->knobs && template->choose)
    template->choose(builder, chosen);
  TRY(template->apply(builder, &schedule,
                      builder->knobs ? builder->knobs : chosen));
  builder_add_halos(builder, function);
  if (trace)
    *trace = text_string(&schedule.trace);
  *out = function;
  return ADZE_OK;
}
