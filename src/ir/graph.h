/* SPDX-License-Identifier: Apache-2.0 */
/* The graph: what an importer makes and graph passes rewrite.
 *
 * Nodes and values have dense ids; analyses live in side arrays indexed by
 * them, never in fields. Values are tensors: a dtype and a shape of symbolic
 * dimensions (i64 expressions over the graph's symbols). Constants are views
 * of the mapped model file wherever possible, never copies.
 */
#ifndef IR_GRAPH_H
#define IR_GRAPH_H

#include "base/map.h"
#include "base/text.h"
#include "ir/loop.h"

struct op_def; /* op/op.h */

#define GRAPH_MAX_RANK LOOP_MAX_RANK

/* Data known while compiling, dense, row-major. */
struct constant {
  enum adze_dtype dtype;
  size_t rank;
  int64_t dims[GRAPH_MAX_RANK];
  size_t count;     /* elements */
  size_t bytes;
  const void *data; /* any alignment; lives as long as the graph */
};

struct value {
  uint32_t id;
  const char *name; /* unique; the model's name for it */
  enum adze_dtype dtype;
  size_t rank;
  const struct expr *dims[GRAPH_MAX_RANK];
  struct node *producer;          /* NULL: graph input or constant */
  const struct constant *constant; /* or NULL */
  /* The elements of a small integer tensor, when they are known expressions
   * (a shape that a model computes); [element_count], else NULL. */
  const struct expr *const *elements;
  size_t element_count;
};

enum attribute_kind {
  ATTRIBUTE_INT,
  ATTRIBUTE_FLOAT,
  ATTRIBUTE_STRING,
  ATTRIBUTE_INTS,
  ATTRIBUTE_FLOATS,
};

struct attribute_value {
  bool is_set; /* false: the default of the operator's table stands here */
  int64_t integer;
  double real;
  const char *string;
  const int64_t *integers; /* [count] */
  const double *reals;     /* [count] */
  size_t count;
};

struct node {
  uint32_t id;
  const struct op_def *op;
  const char *name; /* the model's, for messages; may repeat */
  struct attribute_value *attributes; /* in the order of op->attributes */
  size_t input_count;
  struct value **inputs; /* NULL where an optional input is absent */
  size_t output_count;
  struct value **outputs;
};

/* What must hold of the open dimensions; checked when an instance is made. */
struct constraint {
  const struct expr *condition; /* bool */
  const char *sentence; /* "node 'add_1': width of 'a' and 'b' differ" */
};

/* Something that a model's file says of itself, for whoever runs it. */
struct graph_property {
  const char *name, *value;
};

struct graph {
  struct arena *arena;
  struct expr_pool *pool;
  const char *name;
  VEC(struct node *) nodes;     /* topological order */
  VEC(struct value *) inputs;   /* without constants */
  VEC(struct value *) outputs;
  VEC(struct variable *) symbols; /* open dimensions; ->symbol is the index */
  VEC(struct constraint) constraints;
  VEC(struct graph_property) properties; /* not part of the graph's text */
  uint32_t node_count, value_count; /* ids given out */
  struct map value_names;
};

struct graph *graph_create(struct arena *arena, const char *name);

/* ---- Building ------------------------------------------------------------ */
/* The open dimension of this name, made at first use; at least 1. */
struct variable *graph_symbol(struct graph *graph, const char *name);
/* Names are made unique by a suffix where taken; NULL: a fresh one. */
struct value *graph_add_input(struct graph *graph, const char *name,
                              enum adze_dtype dtype,
                              const struct expr *const *dims, size_t rank);
struct value *graph_add_constant(struct graph *graph, const char *name,
                                 const struct constant *constant);
/* A constant of `data`, which must live as long as the graph. */
struct value *graph_add_constant_borrowed(struct graph *graph, const char *name,
                                          enum adze_dtype dtype,
                                          const int64_t *dims, size_t rank,
                                          const void *data);
/* A constant whose data is copied into the arena; for small ones. */
struct value *graph_add_constant_data(struct graph *graph, const char *name,
                                      enum adze_dtype dtype,
                                      const int64_t *dims, size_t rank,
                                      const void *data);
/* A value without type or producer yet. */
struct value *graph_add_value(struct graph *graph, const char *name);
/* Gives the value exactly this name; another value that has it gets a fresh
 * one. For the names that a model's inputs and outputs must keep. */
void graph_rename_value(struct graph *graph, struct value *value,
                        const char *name);
/* Appends a node; attributes all default, then set with node_set_*; outputs
 * have no type until node_infer. */
struct node *graph_add_node(struct graph *graph, const struct op_def *op,
                            const char *name, struct value *const *inputs,
                            size_t input_count, size_t output_count);
/* Types the outputs (and ->elements where known) through op->infer, checks
 * arity and attributes. The node's messages go to `error` with its name. */
enum adze_status node_infer(struct graph *graph, struct node *node,
                            struct adze_error *error) ADZE_MUST_USE;
/* Demands that two dimensions are equal: true at once, or an error at once, or
 * a constraint for later. `what` names the dimension in the sentence. */
enum adze_status graph_require_equal(struct graph *graph,
                                     const struct node *node, const char *what,
                                     const struct expr *a,
                                     const struct expr *b,
                                     struct adze_error *error) ADZE_MUST_USE;
enum adze_status graph_require(struct graph *graph, const struct node *node,
                               const struct expr *condition, const char *what,
                               struct adze_error *error) ADZE_MUST_USE;

/* ---- Attributes (by name; a wrong name or kind is our fault) ------------- */
int64_t node_int(const struct node *node, const char *name);
double node_float(const struct node *node, const char *name);
const char *node_string(const struct node *node,
                        const char *name); /* or NULL */
/* NULL and *count = 0 when empty or unset. */
const int64_t *node_ints(const struct node *node, const char *name,
                         size_t *count);
const double *node_floats(const struct node *node, const char *name,
                          size_t *count);
bool node_has(const struct node *node, const char *name); /* was set */
void node_set_int(struct node *node, const char *name, int64_t value);
void node_set_float(struct node *node, const char *name, double value);
void node_set_string(struct graph *graph, struct node *node, const char *name,
                     const char *value);
void node_set_ints(struct graph *graph, struct node *node, const char *name,
                   const int64_t *values, size_t count);
void node_set_floats(struct graph *graph, struct node *node, const char *name,
                     const double *values, size_t count);

/* ---- Asking -------------------------------------------------------------- */
bool value_is_static(const struct value *value); /* no open dimension */
/* Elements as a number; false when open or on overflow. */
bool value_count(const struct value *value, size_t *out);
bool value_same_shape(const struct value *a, const struct value *b);
/* A dimension as a number, or -1 while open. */
int64_t value_dim(const struct value *value, size_t axis);
/* Users of every value: users[value->id] lists nodes in graph order. */
struct graph_users {
  struct node ***nodes;
  size_t *counts;
  bool *is_output;
};
struct graph_users graph_find_users(const struct graph *graph,
                                    struct arena *arena);
/* The node that alone uses the value, so that it need not reach memory; NULL
 * where there is none, or another, or it is an output. */
struct node *graph_only_user(const struct graph_users *users,
                             const struct value *value);
/* One element of a constant as double / int64 (any dtype). */
double constant_real(const struct constant *constant, size_t index);
int64_t constant_integer(const struct constant *constant, size_t index);

/* Of the constants that nodes read; one that several read counts each time. */
size_t graph_constant_bytes(const struct graph *graph);

/* ---- Rewriting: values replaced while nodes are visited in graph order ------
 *   struct graph_rewrite rewrite = graph_rewrite_begin(graph);
 *   for each node:
 *     graph_rewrite_operands(&rewrite, node);
 *     … graph_rewrite_value(&rewrite, node->outputs[0], something);
 *   graph_rewrite_end(&rewrite);
 */
struct graph_rewrite {
  struct graph *graph;
  struct value **replacements; /* by value id, of values there at the start */
  size_t count;
};
struct graph_rewrite graph_rewrite_begin(struct graph *graph);
/* The node takes what replaces its operands. */
void graph_rewrite_operands(const struct graph_rewrite *rewrite,
                            struct node *node);
/* Every user of `old` and the graph's outputs will take `replacement`. */
void graph_rewrite_value(struct graph_rewrite *rewrite, struct value *old,
                         struct value *replacement);
/* The remaining users and the outputs, then graph_sweep. An output keeps its
 * name: the replacement value is renamed (or an identity is added when it is an
 * input, constant or other output). */
void graph_rewrite_end(struct graph_rewrite *rewrite);
/* Puts nodes into topological order again and drops those without effect. */
void graph_sweep(struct graph *graph);

/* ---- Text and checks ----------------------------------------------------- */
/* Canonical text; constants print as dtype, dims and a hash of their bytes
 * (small ones, up to 16 elements, in full, and only those parse back with
 * their data; others parse as zeros). */
void graph_print(struct text *text, const struct graph *graph);
enum adze_status graph_parse(struct arena *arena, const char *data, size_t size,
                             struct graph **out, struct adze_error *error)
    ADZE_MUST_USE;
/* INTERNAL when the graph is not well-formed (order, types as infer says). */
enum adze_status graph_verify(const struct graph *graph,
                              struct adze_error *error) ADZE_MUST_USE;

#endif
