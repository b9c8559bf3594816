/* SPDX-License-Identifier: Apache-2.0 */
/* Order and dead code: one walk from the graph's outputs.
 *
 * Passes rewrite freely and leave nodes anywhere in the list; what counts are
 * the edges. A depth-first walk from the outputs meets exactly the nodes that
 * have an effect, and finishing order is a topological one. Among independent
 * nodes the old order is kept where possible: roots are visited in list order.
 */
#include "ir/graph.h"

struct sweep_frame {
  struct node *node;
  size_t next_input;
};

struct sweep {
  struct arena *arena;
  bool *is_live; /* by node id */
  bool *is_done;
  VEC(struct sweep_frame) stack;
};

static void mark_live(struct sweep *sweep, struct value *value) {
  if (value == NULL || value->producer == NULL ||
      sweep->is_live[value->producer->id])
    return;
  sweep->is_live[value->producer->id] = true;
  struct sweep_frame frame = {value->producer, 0};
  vec_push(sweep->arena, &sweep->stack, frame);
}

static void mark_all_live(struct sweep *sweep, const struct graph *graph) {
  for (size_t i = 0; i < graph->outputs.count; i++)
    mark_live(sweep, graph->outputs.data[i]);
  while (sweep->stack.count > 0) {
    struct node *node = sweep->stack.data[--sweep->stack.count].node;
    for (size_t k = 0; k < node->input_count; k++)
      mark_live(sweep, node->inputs[k]);
  }
}

/* Appends `root` and what it needs, in order of finishing. */
static void visit(struct sweep *sweep, struct graph *graph, struct node *root) {
  struct sweep_frame frame = {root, 0};
  vec_push(sweep->arena, &sweep->stack, frame);
  sweep->is_done[root->id] = true;
  while (sweep->stack.count > 0) {
    struct sweep_frame *top = &sweep->stack.data[sweep->stack.count - 1];
    if (top->next_input == top->node->input_count) {
      vec_push(graph->arena, &graph->nodes, top->node);
      sweep->stack.count--;
      continue;
    }
    struct value *input = top->node->inputs[top->next_input++];
    if (input == NULL || input->producer == NULL ||
        sweep->is_done[input->producer->id])
      continue;
    sweep->is_done[input->producer->id] = true;
    struct sweep_frame below = {input->producer, 0};
    vec_push(sweep->arena, &sweep->stack, below);
  }
}

void graph_sweep(struct graph *graph) {
  struct sweep sweep = {.arena = graph->arena};
  sweep.is_live = ARENA_ARRAY(sweep.arena, bool, graph->node_count + 1);
  sweep.is_done = ARENA_ARRAY(sweep.arena, bool, graph->node_count + 1);
  mark_all_live(&sweep, graph);
  size_t count = graph->nodes.count;
  struct node **old = arena_copy(sweep.arena, graph->nodes.data,
                                 count * sizeof(struct node *));
  graph->nodes.count = 0;
  for (size_t i = 0; i < count; i++)
    if (sweep.is_live[old[i]->id] && !sweep.is_done[old[i]->id])
      visit(&sweep, graph, old[i]);
}
