/* SPDX-License-Identifier: Apache-2.0 */
/* One operator on small random inputs: inferred, expressed, expanded and
 * interpreted; results as doubles beside those that plain C gives.
 *
 *   struct trial t;
 *   trial_begin(&t);
 *   trial_input(&t, ADZE_F32, -2, 2, 2, (int64_t[]){3, 4});
 *   struct node *node = trial_node(&t, "softmax", 1);
 *   node_set_int(node, "axis", 0);
 *   trial_run(&t);                 // t.in[0].x[i], t.out[0].x[i]
 *   trial_end(&t);
 */
#ifndef OP_TEST_OP_TEST_H
#define OP_TEST_OP_TEST_H

#include "test.h"

#include "op/op.h"

#define TRIAL_MOST 8

struct operand {
  struct value *value;
  size_t rank, count;
  int64_t dims[GRAPH_MAX_RANK];
  double *x;
};

struct trial {
  struct arena *arena;
  struct graph *graph;
  struct node *node;
  struct operand in[TRIAL_MOST], out[TRIAL_MOST];
  size_t in_count;
  struct adze_error error;
};

void trial_begin(struct trial *trial);
void trial_end(struct trial *trial);
double trial_random(double low, double high);
int64_t trial_integer(int64_t low, int64_t high); /* inclusive */
/* Random numbers; integers for integer types. Returns in[index]. */
struct operand *trial_input(struct trial *trial, enum adze_dtype dtype,
                            double low, double high, size_t rank,
                            const int64_t *dims);
/* A constant operand of integers. */
void trial_integers(struct trial *trial, size_t count, const int64_t *list);
struct node *trial_node(struct trial *trial, const char *op, size_t outputs);
/* Infers and runs; fails the test on an error. */
void trial_run(struct trial *trial);
/* Infers only, and gives the status. */
enum adze_status trial_infer(struct trial *trial);
/* |got - want| <= tolerance * max(1, |want|), NaNs equal. */
void trial_compare(const struct trial *trial, size_t output, size_t index,
                   double want, double tolerance);
void trial_shape(const struct trial *trial, size_t output, size_t rank,
                 const int64_t *dims);
/* Row-major position of an index. */
size_t trial_at(const struct operand *operand, const int64_t *index);
/* Steps `index` through dims; false at the end. */
bool trial_next(size_t rank, const int64_t *dims, int64_t *index);
/* Whether every operator of the table was run; prints those that weren't. */
bool trial_covered_all(void);

/* The groups of tests, one per file. */
int op_elementwise_tests(void);
int op_neural_tests(void);
int op_move_tests(void);
int op_reduce_tests(void);

#endif
