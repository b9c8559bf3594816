/* SPDX-License-Identifier: Apache-2.0 */
/* From a group to a kernel: buffers, stages, packed constants, a schedule. */
#ifndef SCHEDULE_BUILDER_H
#define SCHEDULE_BUILDER_H

#include "base/map.h"
#include "schedule/template.h"

/* A constant of the package: an array of the model as it is (stage NULL), or
 * one computed from such arrays, by an ordinary stage, at compile time. */
struct packed_constant {
  struct buffer *buffer;        /* dense; what kernels read */
  struct stage *stage;          /* computes it, or NULL */
  const struct value *source;   /* the model's array it comes from */
  struct buffer *source_buffer; /* as the stage reads it */
};

/* What a kernel's parameter is bound to. */
struct parameter {
  struct buffer *buffer;
  const struct value *value;              /* a value of the graph, or */
  const struct packed_constant *constant; /* a constant, or */
  bool is_temporary;                      /* memory for this kernel only */
};

struct builder {
  struct expr_pool *pool;
  struct arena *arena;
  struct graph *graph;
  const struct machine *machine;
  const struct group *group;
  const struct placement *placements; /* by value id */
  int64_t block;
  struct adze_error *error;
  VEC(struct stage *) stages; /* in execution order, in memory's indices */
  VEC(struct parameter) parameters;
  struct map buffers;      /* value id + 1 to its buffer */
  VEC(const char *) names; /* taken by stages and buffers */
  const int64_t *knobs;    /* for the template's; NULL: it chooses */
  bool local_temporaries;  /* operators' temporaries are scratch memory of
                                 each worker, else parameters */
};

void builder_init(struct builder *builder, struct graph *graph,
                  const struct machine *machine, const struct group *group,
                  const struct placement *placements, int64_t block,
                  struct adze_error *error);

/* The buffer of a value in memory: a parameter for the group's inputs and its
 * output, a local buffer for values inside the group. */
struct buffer *builder_buffer(struct builder *builder,
                              const struct value *value);
/* Memory that this kernel's stages hand to one another, of all workers: makes
 * the buffer (BUFFER_ARGUMENT) a parameter. */
void builder_add_temporary(struct builder *builder, struct buffer *buffer);
/* The stages of a node by its operator's own expression, in memory's
 * indices. */
enum adze_status builder_express(struct builder *builder,
                                 const struct node *node);
/* A constant computed from a constant value: element [axes] of the new array
 * is `body` (axes and `source` as arguments of make). */
struct buffer *
builder_pack(struct builder *builder, const struct value *source,
             const char *suffix, const struct expr *const *shape, size_t rank,
             const struct expr *(*make)(void *context, struct expr_pool *pool,
                                        struct buffer *source,
                                        const struct expr *const *axes),
             void *context);
/* The parameter that was packed from a constant value. */
struct buffer *builder_packed(const struct builder *builder,
                              const struct value *source);
/* A fresh stage over axes of `output`'s shape, named after it. */
struct stage *builder_stage(struct builder *builder, struct buffer *output);
/* The same as the builder's next stage; `axes` gets its axes as expressions. */
struct stage *builder_add_stage(struct builder *builder, struct buffer *output,
                                const struct expr **axes);
const struct expr *builder_reduction(struct builder *builder,
                                     struct stage *stage, const char *name,
                                     const struct expr *extent);
/* A name that no stage or buffer of the kernel has, a C identifier. */
const char *builder_name(struct builder *builder, const char *name);

/* Makes the stages of the whole group (template's express, then the epilogue),
 * expands and schedules them: *out is scheduled, structured. `trace` (may be
 * NULL) receives the trace's text. */
enum adze_status builder_schedule(struct builder *builder,
                                  struct function **out,
                                  const char **trace) ADZE_MUST_USE;
/* The part of it before scheduling, so that equal kernels can be found. */
enum adze_status builder_make_stages(struct builder *builder) ADZE_MUST_USE;
/* Its parts, for other schedules than the template's: the stages expanded, and
 * after the schedule the halos that the kernel writes. */
struct function *builder_expand(struct builder *builder);
void builder_add_halos(struct builder *builder, struct function *function);

#endif
