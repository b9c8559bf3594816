/* SPDX-License-Identifier: Apache-2.0 */
/* Common subexpressions: of nodes with the same operator, attributes and
 * operands, in graph order, the first stays. Equal small constants count as
 * one operand. */
#include <inttypes.h>

#include "base/text.h"
#include "pass/pass.h"

enum { SMALL_CONSTANT = 64 };

static void key_value(struct text *key, const struct value *value,
                      const struct value *x) {
  if (value && value == x) {
    text_add(key, "x,");
  } else if (!value) {
    text_add(key, "_,");
  } else if (value->constant && value->constant->bytes <= SMALL_CONSTANT) {
    const struct constant *c = value->constant;
    text_format(key, "c%d:", (int)c->dtype);
    for (size_t d = 0; d < c->rank; d++)
      text_format(key, "%" PRId64 "x", c->dims[d]);
    const uint8_t *bytes = c->data;
    for (size_t i = 0; i < c->bytes; i++)
      text_format(key, "%02x", bytes[i]);
    text_add(key, ",");
  } else {
    text_format(key, "v%u,", (unsigned)value->id);
  }
}

static void key_attribute(struct text *key,
                          const struct attribute_value *value) {
  if (!value->is_set) {
    text_add(key, "-;");
    return;
  }
  text_format(key, "%" PRId64 "/%a/%s[", value->integer, value->real,
              value->string ? value->string : "");
  for (size_t i = 0; i < value->count; i++) {
    if (value->integers)
      text_format(key, "%" PRId64 " ", value->integers[i]);
    if (value->reals)
      text_format(key, "%a ", value->reals[i]);
  }
  text_add(key, "];");
}

/* What a value is made of where it has no operands: numbers of a shape. */
static void key_elements(struct text *key, const struct value *value) {
  text_format(key, ":%d/%zu", (int)value->dtype, value->rank);
  for (size_t i = 0; value->elements && i < value->element_count; i++)
    text_format(key, "e%u", (unsigned)value->elements[i]->id);
}

const char *pass_node_key(struct arena *arena, const struct node *node,
                          const struct value *x) {
  struct text key = {.arena = arena};
  text_format(&key, "%s(", node->op->name);
  for (size_t i = 0; i < node->input_count; i++)
    key_value(&key, node->inputs[i], x);
  const struct attribute_desc *desc = node->op->attributes;
  for (size_t i = 0; desc && desc[i].name; i++)
    key_attribute(&key, &node->attributes[i]);
  text_format(&key, ")%zu", node->output_count);
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i])
      key_elements(&key, node->outputs[i]);
  return text_string(&key);
}

enum adze_status pass_merge_equal(struct graph *graph,
                                  struct adze_error *error) {
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  struct map seen;
  (void)error;
  map_init(&seen, graph->arena);
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    graph_rewrite_operands(&rewrite, node);
    const char *key = pass_node_key(graph->arena, node, NULL);
    struct node *first = map_get(&seen, key);
    if (!first) {
      map_set(&seen, key, node);
      continue;
    }
    for (size_t o = 0; o < node->output_count; o++)
      if (node->outputs[o] && first->outputs[o])
        graph_rewrite_value(&rewrite, node->outputs[o], first->outputs[o]);
  }
  graph_rewrite_end(&rewrite);
  return ADZE_OK;
}
