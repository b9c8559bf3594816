/* SPDX-License-Identifier: Apache-2.0 */
/* Loop IR: buffers, stages, statements, functions.
 *
 * Two stages of the same IR, each with its verifier:
 *   structured  loops around blocks; a block is one stage (tensor expression)
 *               with its axes bound to loop expressions. Made by `expand`,
 *               transformed by schedule primitives.
 *   flat        no blocks: stores with one element offset, sets of locals,
 *               vectors. Made by `lower`; what targets and the interpreter
 *               take.
 */
#ifndef IR_LOOP_H
#define IR_LOOP_H

#include "ir/expr.h"

#define LOOP_MAX_RANK 16

/* ---- Buffers ------------------------------------------------------------ */
enum buffer_scope {
  BUFFER_ARGUMENT, /* a pointer parameter of the function */
  BUFFER_STACK,    /* function-local memory of constant size, on the stack */
  BUFFER_WORKER,   /* scratch memory of each worker, size fixed by plan() */
  BUFFER_REGISTER, /* becomes locals; constant indices once unrolled */
};

/* Memory with a shape. Element (i0, i1, …) lies at
 *   offset + sum(i_d * strides[d])
 * elements from the pointer. Indices may run from -halo_before[d] to
 * shape[d] + halo_after[d] - 1: the memory is there (and holds zeros, written
 * by the producer) around the shape. */
struct buffer {
  const char *name; /* unique in the function */
  uint32_t id;      /* unique in the pool */
  enum adze_dtype dtype;
  enum buffer_scope scope;
  size_t rank;
  const struct expr *shape[LOOP_MAX_RANK];
  const struct expr *strides[LOOP_MAX_RANK]; /* in elements */
  const struct expr *offset;                 /* in elements */
  int64_t halo_before[LOOP_MAX_RANK], halo_after[LOOP_MAX_RANK];
  const struct expr *size; /* elements of memory behind the pointer */
  bool is_constant;        /* never written after compile time */
  /* Who reads an element will soon read the one so many elements further: code
   * may ask for it early. 0: nothing is known. */
  int64_t prefetch;
};

#define BUFFER_PREFETCH_MAX (1 << 20)

/* A dense row-major buffer: strides, offset 0 and size derived. */
struct buffer *buffer_new(struct expr_pool *pool, const char *name,
                          enum adze_dtype dtype, enum buffer_scope scope,
                          const struct expr *const *shape, size_t rank);
/* As buffer_new with room for a halo around the shape. */
struct buffer *buffer_new_halo(struct expr_pool *pool, const char *name,
                               enum adze_dtype dtype, enum buffer_scope scope,
                               const struct expr *const *shape, size_t rank,
                               const int64_t *before, const int64_t *after);
/* Sets strides, offset and size to those of buffer_new_halo, from shape and
 * halo. */
void buffer_lay_out(struct expr_pool *pool, struct buffer *buffer);
/* offset + sum(index*stride), simplified. */
const struct expr *buffer_element(struct expr_pool *pool,
                                  const struct buffer *buffer,
                                  const struct expr *const *indices);

/* ---- Stages ------------------------------------------------------------- */
enum reduce_kind {
  REDUCE_NONE, /* output[axes] = body */
  REDUCE_SUM,  /* output[axes] = initial + body + body + …, row-major order of
                  the reduction axes; the others likewise */
  REDUCE_PRODUCT,
  REDUCE_MAX, /* max(accumulator, body) */
  REDUCE_MIN,
};

/* A tensor expression: what is stored in every element of one buffer. */
struct stage {
  const char *name; /* unique in the function; of the buffer usually */
  struct buffer *output;
  size_t axis_count; /* == output->rank */
  struct variable *axes[LOOP_MAX_RANK]; /* extents: output->shape */
  size_t reduction_count;
  struct variable *reductions[LOOP_MAX_RANK];
  enum reduce_kind reduce;
  const struct expr *initial; /* over axes; the reduction's first value */
  const struct expr *body;    /* over axes and reductions, loads of buffers */
};

/* Combines an accumulator with a value as `kind` says. */
const struct expr *reduce_combine(struct expr_pool *pool,
                                  enum reduce_kind kind,
                                  const struct expr *accumulator,
                                  const struct expr *value);
/* "none" "sum" "product" "max" "min" */
const char *reduce_kind_name(enum reduce_kind kind);

/* ---- Statements --------------------------------------------------------- */
enum statement_kind {
  STATEMENT_FOR,
  STATEMENT_IF,
  STATEMENT_BLOCK,   /* structured only */
  STATEMENT_STORE,
  STATEMENT_SET,     /* flat only */
  STATEMENT_PREFETCH, /* a hint: this element will be read soon */
  STATEMENT_BARRIER, /* all workers meet */
};

enum loop_kind {
  LOOP_SERIAL,
  LOOP_PARALLEL,   /* iterations split over the workers */
  LOOP_VECTORIZED, /* constant extent; gone in flat IR */
  LOOP_UNROLLED,   /* constant extent; gone in flat IR */
};

enum block_part {
  BLOCK_WHOLE,  /* initialise on the first reduction step, then update */
  BLOCK_INITIAL,/* after decompose_reduction: output = initial */
  BLOCK_UPDATE, /* output = combine(output, body) */
};

/* Lists are linked by `next`; a body is the first of its list, or NULL. */
struct statement {
  enum statement_kind kind;
  struct statement *next;
  union {
    struct {
      struct variable *variable;   /* runs minimum <= v < minimum + extent */
      const struct expr *minimum;
      const struct expr *extent;
      enum loop_kind kind;
      bool partition; /* lower splits the last, partial tile off (ladder) */
      struct statement *body;
    } loop;
    struct {
      const struct expr *condition;
      struct statement *then_body, *else_body;
    } branch;
    struct {
      struct stage *stage;
      enum block_part part;
      const struct expr *axes[LOOP_MAX_RANK]; /* values of the stage's axes */
      const struct expr *reductions[LOOP_MAX_RANK]; /* and reduction axes */
      const struct expr *predicate; /* executed where true; NULL: always */
    } block;
    struct {
      struct buffer *buffer;
      size_t index_count; /* rank, or 1 in flat IR (element offset) */
      const struct expr *indices[LOOP_MAX_RANK];
      const struct expr *value; /* lanes > 1: as in EXPR_LOAD */
    } store;
    struct {
      const struct local *local;
      const struct expr *value;
    } set;
    struct {
      struct buffer *buffer;     /* a parameter */
      const struct expr *offset; /* in elements; may be outside of it */
    } prefetch;
  };
};

struct statement *statement_new(struct expr_pool *pool,
                                enum statement_kind kind);
/* An expression of a block's stage, of the loops around the block: axes and
 * reductions are replaced by what they are bound to. */
const struct expr *block_bind(struct expr_pool *pool,
                              const struct statement *block,
                              const struct expr *e);
/* A for loop over `variable` from 0 to its extent. */
struct statement *statement_for(struct expr_pool *pool,
                                struct variable *variable, enum loop_kind kind,
                                struct statement *body);
/* Deep copy; loop variables of copied loops are fresh. */
struct statement *statement_clone(struct expr_pool *pool,
                                  const struct statement *list);
/* Replaces variables in all expressions below (bounds, bindings, values). */
void statement_substitute(struct expr_pool *pool, struct statement *list,
                          const struct substitution *substitutions,
                          size_t count);
/* Appends `tail` to a list; returns the list's head. */
struct statement *statement_append(struct statement *list,
                                   struct statement *tail);
/* Calls visit on each statement of the tree, parents first. */
void statement_walk(struct statement *list,
                    void (*visit)(void *context, struct statement *statement),
                    void *context);

/* ---- Functions ---------------------------------------------------------- */
/* void name(T *restrict parameter…, int64_t scalar…, [void *scratch,]
 *           int64_t worker, int64_t workers)
 * `scratch` is there when a BUFFER_WORKER buffer is; each such buffer lies at
 * its scratch_offset in it. */
struct function {
  const char *name; /* a C identifier */
  struct expr_pool *pool;
  VEC(struct buffer *) parameters; /* BUFFER_ARGUMENT */
  VEC(struct variable *) scalars;  /* open dimensions it uses */
  VEC(struct buffer *) buffers;    /* BUFFER_STACK, _WORKER, _REGISTER */
  VEC(const struct expr *) scratch_offsets; /* [buffers.count] bytes, flat IR;
                                               NULL for other scopes */
  const struct expr *scratch_bytes;         /* flat IR; NULL or 0: none */
  struct variable *worker, *workers; /* set by lower when loops are parallel */
  uint32_t local_count;
  bool is_flat;
  struct statement *body;
};

struct function *function_new(struct expr_pool *pool, const char *name);
struct local *local_new(struct function *function, const char *name,
                        enum adze_dtype dtype, uint16_t lanes);

/* Stages to structured loops, in order: a serial loop nest per stage around
 * one BLOCK_WHOLE. `parameters` become the function's; any other output buffer
 * of a stage is made BUFFER_STACK or left as it is. The unscheduled expansion
 * is the reference. */
struct function *expand(struct expr_pool *pool, const char *name,
                        struct stage *const *stages, size_t stage_count,
                        struct buffer *const *parameters,
                        size_t parameter_count);

#endif
