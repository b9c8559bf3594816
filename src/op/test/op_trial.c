/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of op_test.h. */
#include "op/test/op_test.h"

#include <math.h>

#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "ir/scalar.h"

static bool covered[1024];
static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

double trial_random(double low, double high) {
  return low +
         (high - low) * ((double)(next_random() >> 11) / 9007199254740992.0);
}

int64_t trial_integer(int64_t low, int64_t high) {
  return low + (int64_t)(next_random() % (uint64_t)(high - low + 1));
}

void trial_begin(struct trial *trial) {
  *trial = (struct trial){0};
  trial->arena = arena_create("trial");
  trial->graph = graph_create(trial->arena, "trial");
}

void trial_end(struct trial *trial) {
  arena_destroy(trial->arena);
}

static void fill_operand(struct trial *trial, struct operand *operand) {
  const struct value *value = operand->value;
  operand->rank = value->rank;
  assert_true(value_count(value, &operand->count));
  for (size_t i = 0; i < value->rank; i++)
    operand->dims[i] = value_dim(value, i);
  operand->x = ARENA_ARRAY(trial->arena, double, operand->count + 1);
}

struct operand *trial_input(struct trial *trial, enum adze_dtype dtype,
                            double low, double high, size_t rank,
                            const int64_t *dims) {
  struct operand *operand = &trial->in[trial->in_count++];
  const struct expr *exprs[GRAPH_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    exprs[i] = expr_index(trial->graph->pool, dims[i]);
  operand->value = graph_add_input(trial->graph, "in", dtype, exprs, rank);
  fill_operand(trial, operand);
  for (size_t i = 0; i < operand->count; i++) {
    double number = trial_random(low, high);
    operand->x[i] = dtype_is_float(dtype)
                        ? scalar_round(dtype, number)
                        : (double)trial_integer((int64_t)low, (int64_t)high);
  }
  return operand;
}

void trial_integers(struct trial *trial, size_t count, const int64_t *list) {
  struct operand *operand = &trial->in[trial->in_count++];
  int64_t dim = (int64_t)count;
  operand->value = graph_add_constant_data(trial->graph, "list", ADZE_I64,
                                           &dim, 1, list);
  fill_operand(trial, operand);
  for (size_t i = 0; i < count; i++)
    operand->x[i] = (double)list[i];
}

struct node *trial_node(struct trial *trial, const char *op, size_t outputs) {
  struct value *inputs[TRIAL_MOST];
  const struct op_def *def = op_find(op);
  if (def == NULL)
    fail_msg("there is no operator %s", op);
  for (size_t i = 0; i < trial->in_count; i++)
    inputs[i] = trial->in[i].value;
  trial->node = graph_add_node(trial->graph, def, op, inputs, trial->in_count,
                               outputs);
  return trial->node;
}

enum adze_status trial_infer(struct trial *trial) {
  return node_infer(trial->graph, trial->node, &trial->error);
}

/* ---- Running ------------------------------------------------------------- */

struct running {
  struct trial *trial;
  struct buffer *inputs[TRIAL_MOST], *outputs[TRIAL_MOST];
  struct buffer *parameters[2 * TRIAL_MOST];
  void *memory[2 * TRIAL_MOST];
  size_t bytes[2 * TRIAL_MOST], count;
};

static struct buffer *add_buffer(struct running *running,
                                 const struct operand *operand,
                                 const char *name, bool has_data) {
  struct trial *trial = running->trial;
  const struct value *value = operand->value;
  size_t size = dtype_bits(value->dtype) / 8, index = running->count++;
  uint8_t *memory = arena_alloc(trial->arena, operand->count * size + 1);
  for (size_t i = 0; i < operand->count * size; i++)
    memory[i] = 0xcd;
  for (size_t i = 0; has_data && i < operand->count; i++) {
    union scalar scalar;
    if (dtype_is_float(value->dtype))
      scalar.real = operand->x[i];
    else
      scalar.integer = (int64_t)operand->x[i];
    scalar_store(value->dtype, memory + i * size, scalar);
  }
  running->memory[index] = memory;
  running->bytes[index] = operand->count * size;
  running->parameters[index] =
      buffer_new(trial->graph->pool, name, value->dtype, BUFFER_ARGUMENT,
                 value->dims, value->rank);
  return running->parameters[index];
}

static void read_output(struct running *running, size_t index) {
  struct operand *operand = &running->trial->out[index];
  enum adze_dtype dtype = operand->value->dtype;
  size_t place = 0;
  while (running->parameters[place] != running->outputs[index])
    place++;
  for (size_t i = 0; i < operand->count; i++) {
    union scalar scalar = scalar_load(
        dtype, (char *)running->memory[place] + i * (dtype_bits(dtype) / 8));
    operand->x[i] =
        dtype_is_float(dtype) ? scalar.real : (double)scalar.integer;
  }
}

void trial_run(struct trial *trial) {
  struct running running = {.trial = trial};
  const struct node *node = trial->node;
  assert_ok(trial_infer(trial), trial->error);
  for (size_t i = 0; i < node->input_count; i++)
    if (node_reads(node, i))
      running.inputs[i] = add_buffer(&running, &trial->in[i], "in", true);
  for (size_t i = 0; i < node->output_count; i++) {
    trial->out[i].value = node->outputs[i];
    fill_operand(trial, &trial->out[i]);
    running.outputs[i] = add_buffer(&running, &trial->out[i], "out", false);
  }
  struct express express = {.pool = trial->graph->pool,
                            .node = node,
                            .inputs = running.inputs,
                            .outputs = running.outputs,
                            .error = &trial->error};
  assert_ok(node_express(&express), trial->error);
  struct function *function =
      expand(trial->graph->pool, node->op->name, express.stages.data,
             express.stages.count, running.parameters, running.count);
  assert_ok(verify_structured(function, &trial->error), trial->error);
  assert_ok(interpret(function, running.memory, running.bytes, NULL, 0, 1,
                      &trial->error),
            trial->error);
  for (size_t i = 0; i < node->output_count; i++)
    read_output(&running, i);
  for (size_t i = 0; i < op_table_count; i++)
    covered[i] |= op_table[i] == node->op;
}

/* ---- Looking at results -------------------------------------------------- */

void trial_compare(const struct trial *trial, size_t output, size_t index,
                   double want, double tolerance) {
  double got = trial->out[output].x[index];
  if (got == want || (isnan(got) && isnan(want)))
    return;
  if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
    fail_msg("%s: element %zu of output %zu is %.9g, not %.9g",
             trial->node->op->name, index, output, got, want);
}

void trial_shape(const struct trial *trial, size_t output, size_t rank,
                 const int64_t *dims) {
  assert_int_equal(trial->out[output].rank, rank);
  for (size_t i = 0; i < rank; i++)
    assert_int_equal(trial->out[output].dims[i], dims[i]);
}

size_t trial_at(const struct operand *operand, const int64_t *index) {
  size_t position = 0;
  for (size_t i = 0; i < operand->rank; i++) {
    assert_true(index[i] >= 0 && index[i] < operand->dims[i]);
    position = position * (size_t)operand->dims[i] + (size_t)index[i];
  }
  return position;
}

bool trial_next(size_t rank, const int64_t *dims, int64_t *index) {
  for (size_t i = rank; i-- > 0;) {
    if (++index[i] < dims[i])
      return true;
    index[i] = 0;
  }
  return false;
}

bool trial_covered_all(void) {
  bool all = true;
  for (size_t i = 0; i < op_table_count; i++) {
    bool is_metadata = op_table[i]->fusion == FUSION_METADATA;
    if (covered[i] || is_metadata)
      continue;
    print_error("no test runs the operator %s\n", op_table[i]->name);
    all = false;
  }
  return all;
}
