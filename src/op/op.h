/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: the one table, op/ops.def, and what a row means.
 *
 * OP(name, file) in ops.def; `const struct op_def op_<name>` is defined in
 * op/<file>.c. Importers find operators through `imports`; shapes come from
 * `infer`; what is computed comes from `express`, the only definition.
 * Attribute names, layouts (NCHW, OIHW) and conventions are ONNX's.
 */
#ifndef OP_OP_H
#define OP_OP_H

#include "ir/graph.h"

/* How grouping may treat an operator. */
enum fusion_kind {
  FUSION_ELEMENTWISE, /* each output element from the same element of inputs,
                         which may broadcast (numpy rules) */
  FUSION_INJECTIVE,   /* each output element from one element of one input,
                         elsewhere: transpose, slice, reshape, pad, concat … */
  FUSION_REDUCTION,   /* sums or maxima over axes: reduce, pooling, softmax */
  FUSION_ANCHOR,      /* conv, matmul, …: deserves a template of its own */
  FUSION_METADATA,    /* only known elements or shapes; never a kernel */
};

/* How channel-blocked placement flows through an operator. */
enum layout_kind {
  LAYOUT_PLAIN,   /* wants row-major operands */
  LAYOUT_FOLLOWS, /* spatial or elementwise: works alike in any placement */
  LAYOUT_BLOCKED, /* gains from channel blocks (convolutions) */
};

enum op_flag {
  OP_COMMUTATIVE = 1,  /* the first two inputs may be swapped */
  OP_FINITE = 2,       /* finite on finite inputs, whatever they are */
  OP_IDEMPOTENT = 4,   /* f(f(x)) == f(x) */
  OP_CHANNEL_LOCAL = 8, /* output channel c depends on input channel c only */
  OP_REAL_OPERANDS = 16 /* shape_inputs may hold floats as well as integers */
};

struct attribute_desc {
  const char *name;
  enum attribute_kind kind;
  bool required;
  double number;      /* default of INT and FLOAT; lists default to empty */
  const char *string; /* default of STRING */
  const char *help;
};

/* `format` spells it `name` since version `since` (and until `until`, 0: still)
 * and maps one to one: same inputs, same attributes. */
struct import_name {
  const char *format, *name;
  int since, until;
};

struct infer {
  struct graph *graph;
  struct node *node;
  struct adze_error *error;
};

/* The making of a node's stages. Buffers are logical: dense, of the value's
 * shape and dtype; grouping replaces them by placed ones afterwards. */
struct express {
  struct expr_pool *pool;
  const struct node *node;
  struct buffer *const *inputs;  /* NULL where absent */
  struct buffer *const *outputs;
  VEC(struct stage *) stages;    /* appended in execution order */
  struct adze_error *error;
};

struct op_def {
  const char *name;
  const char *summary; /* one sentence for docs */
  int min_inputs, max_inputs;   /* max -1: any number */
  int min_outputs, max_outputs;
  enum fusion_kind fusion;
  enum layout_kind layout;
  unsigned flags;
  const struct attribute_desc *attributes; /* ends with name == NULL; or NULL */
  const struct import_name *imports; /* ends with format == NULL; or NULL */
  enum adze_status (*infer)(struct infer *infer);
  enum adze_status (*express)(
      struct express *express); /* NULL: METADATA only */
  /* Bit i: of input i only ->elements are looked at, by infer; no kernel reads
   * it, so what makes it need not run for this user. */
  unsigned shape_inputs;
};

#define OP(name, file) extern const struct op_def op_##name;
#include "op/ops.def"
#undef OP
extern const struct op_def *const op_table[];
extern const size_t op_table_count;
const struct op_def *op_find(const char *name);
/* The operator that `format` calls `name` in `version`, one to one; or NULL. */
const struct op_def *op_find_import(const char *format, const char *name,
                                    int version);

/* Whether a kernel of the node reads input `index` (it is there, and not only
 * the elements of it are wanted). */
bool node_reads(const struct node *node, size_t index);
/* Makes the stages of a node over logical buffers; the buffers' names, dtypes
 * and shapes may differ from the values' (elements are computed so). */
enum adze_status node_express(struct express *express) ADZE_MUST_USE;
/* A value whose elements are these expressions: a constant when all of them
 * are, else the output of a shape_elements node. bool, integer or float. */
struct value *graph_add_elements(struct graph *graph, const char *name,
                                 enum adze_dtype dtype,
                                 const struct expr *const *dims, size_t rank,
                                 const struct expr *const *elements,
                                 size_t count);

/* ---- For infer functions ------------------------------------------------- */
struct value *infer_input(struct infer *infer, size_t index); /* or NULL */
void infer_output(struct infer *infer, size_t index, enum adze_dtype dtype,
                  const struct expr *const *dims, size_t rank);
/* "node 'x' (conv): …" */
enum adze_status infer_fail(struct infer *infer, enum adze_status status,
                            const char *format, ...) ADZE_PRINTF(3, 4);
/* The numpy broadcast of two shapes; may add constraints. */
enum adze_status infer_broadcast(struct infer *infer,
                                 const struct value *a, const struct value *b,
                                 const struct expr **dims, size_t *rank);
/* An axis attribute made non-negative and checked against rank. */
enum adze_status infer_axis(struct infer *infer, int64_t axis, size_t rank,
                            size_t *out);

/* ---- For express functions --------------------------------------------------
 * A stage computing `output`, its axes made from the output's shape. Fill
 * ->body (and reduce, initial); reductions are added with express_reduction. */
struct stage *express_stage(struct express *express, struct buffer *output);
const struct expr *express_axis(struct express *express,
                                const struct stage *stage, size_t axis);
const struct expr *express_reduction(struct express *express,
                                     struct stage *stage, const char *name,
                                     const struct expr *extent);
/* An intermediate of a multi-stage operator. */
struct buffer *express_temporary(struct express *express, const char *name,
                                 enum adze_dtype dtype,
                                 const struct expr *const *shape, size_t rank);
/* inputs[index] at the output's axes by numpy broadcasting. */
const struct expr *express_broadcast_load(struct express *express,
                                          const struct stage *stage,
                                          size_t input);
/* select(all indices in range, buffer[indices], outside). Placement recognises
 * this form, and drops the test where a halo of zeros covers it. Only the
 * dimensions listed in the bit mask `checked` are tested. */
const struct expr *express_padded_load(struct express *express,
                                       struct buffer *buffer,
                                       const struct expr *const *indices,
                                       unsigned checked,
                                       const struct expr *outside);

/* ---- Documentation ------------------------------------------------------- */
/* The operator table as Markdown (docs/OPERATORS.md). */
void op_print_documentation(struct text *text);

#endif
