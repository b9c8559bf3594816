/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs as text (grammar in docs/IR.md). Values are numbered in the order of
 * their lines, so the text does not depend on how the graph came about; names
 * follow in quotes. Constants stand before the node that first uses them. */
#include "op/op.h"

#include "ir/loop_print.h"
#include "ir/loop_words.h"

#include <stdio.h>

enum { PRINTED_ELEMENTS = 16 };

struct graph_printer {
  struct printer printer;
  struct text *text;
  const struct graph *graph;
  uint32_t *numbers; /* by value id, plus 1; 0: not printed yet */
  uint32_t count;
};

static void print_string(struct text *text, const char *string) {
  text_add(text, "\"");
  for (const unsigned char *c = (const unsigned char *)string; *c != 0; c++) {
    if (*c == '"' || *c == '\\')
      text_format(text, "\\%c", *c);
    else if (*c < ' ')
      text_format(text, "\\x%02x", *c);
    else
      text_add_n(text, (const char *)c, 1);
  }
  text_add(text, "\"");
}

static void print_exprs(struct graph_printer *p,
                        const struct expr *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    text_add(p->text, i > 0 ? ", " : "");
    printer_expr(&p->printer, list[i]);
  }
}

/* %3 "name": f32[1, 3, height, width] */
static void print_value(struct graph_printer *p, const struct value *value) {
  p->numbers[value->id] = ++p->count;
  text_format(p->text, "%%%u ", p->count - 1);
  print_string(p->text, value->name);
  text_format(p->text, ": %s[", dtype_word(value->dtype));
  print_exprs(p, value->dims, value->rank);
  text_add(p->text, "]");
}

static void print_constant(struct graph_printer *p,
                           const struct value *value) {
  const struct constant *constant = value->constant;
  text_add(p->text, "  constant ");
  print_value(p, value);
  if (constant->count > PRINTED_ELEMENTS) {
    text_format(p->text, " hash \"%016llx\"\n",
                (unsigned long long)hash_bytes(constant->data, constant->bytes,
                                               0));
    return;
  }
  text_add(p->text, " = [");
  for (size_t i = 0; i < constant->count; i++) {
    const struct expr *element =
        dtype_is_float(constant->dtype)
            ? expr_real(p->graph->pool, constant->dtype,
                        constant_real(constant, i))
            : expr_integer(p->graph->pool, constant->dtype,
                           constant_integer(constant, i));
    text_add(p->text, i > 0 ? ", " : "");
    printer_expr(&p->printer, element);
  }
  text_add(p->text, "]\n");
}

/* ---- Attributes ---------------------------------------------------------- */

static void print_real(struct text *text, double real) {
  char digits[40];
  snprintf(digits, sizeof digits, "%.17g", real);
  for (int precision = 1; precision < 17; precision++) {
    double back;
    char shorter[40];
    snprintf(shorter, sizeof shorter, "%.*g", precision, real);
    if (string_to_double(shorter, &back) && back == real) {
      text_add(text, shorter);
      return;
    }
  }
  text_add(text, digits);
}

static void print_attribute(struct text *text,
                            const struct attribute_desc *desc,
                            const struct attribute_value *value) {
  text_format(text, ", %s=", desc->name);
  switch (desc->kind) {
  case ATTRIBUTE_INT:
    text_format(text, "%lld", (long long)value->integer);
    return;
  case ATTRIBUTE_FLOAT:
    print_real(text, value->real);
    return;
  case ATTRIBUTE_STRING:
    print_string(text, value->string);
    return;
  case ATTRIBUTE_INTS: case ATTRIBUTE_FLOATS:
    text_add(text, "[");
    for (size_t i = 0; i < value->count; i++) {
      text_add(text, i > 0 ? ", " : "");
      if (desc->kind == ATTRIBUTE_INTS)
        text_format(text, "%lld", (long long)value->integers[i]);
      else
        print_real(text, value->reals[i]);
    }
    text_add(text, "]");
    return;
  }
  unreachable();
}

/* ---- Nodes --------------------------------------------------------------- */

/* A constant's line stands in front of the first one that uses it. */
static void print_first_use(struct graph_printer *p,
                            const struct value *value) {
  if (value->constant != NULL && p->numbers[value->id] == 0)
    print_constant(p, value);
}

static void print_node(struct graph_printer *p, const struct node *node) {
  const struct attribute_desc *table = node->op->attributes;
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != NULL)
      print_first_use(p, node->inputs[i]);
  text_add(p->text, "  node ");
  print_string(p->text, node->name);
  for (size_t i = 0; i < node->output_count; i++) {
    text_add(p->text, i > 0 ? ", " : " ");
    print_value(p, node->outputs[i]);
  }
  text_format(p->text, " = %s(", node->op->name);
  for (size_t i = 0; i < node->input_count; i++) {
    text_add(p->text, i > 0 ? ", " : "");
    if (node->inputs[i] == NULL)
      text_add(p->text, "none");
    else
      text_format(p->text, "%%%u", p->numbers[node->inputs[i]->id] - 1);
  }
  text_add(p->text, ")");
  for (size_t i = 0; table != NULL && table[i].name != NULL; i++)
    if (node->attributes[i].is_set)
      print_attribute(p->text, &table[i], &node->attributes[i]);
  if (node->op == &op_shape_elements) {
    text_add(p->text, ", elements=[");
    print_exprs(p, node->outputs[0]->elements, node->outputs[0]->element_count);
    text_add(p->text, "]");
  }
  text_add(p->text, "\n");
}

void graph_print(struct text *text, const struct graph *graph) {
  struct graph_printer p = {.text = text, .graph = graph};
  p.numbers = ARENA_ARRAY(text->arena, uint32_t, graph->value_count + 1);
  printer_init(&p.printer, text);
  text_add(text, "graph ");
  print_string(text, graph->name);
  text_add(text, " {\n");
  for (size_t i = 0; i < graph->symbols.count; i++)
    text_format(text, "  symbol %s\n",
                printer_name(&p.printer, &p.printer.variables,
                             graph->symbols.data[i]->id,
                             graph->symbols.data[i]->name));
  for (size_t i = 0; i < graph->inputs.count; i++) {
    text_add(text, "  input ");
    print_value(&p, graph->inputs.data[i]);
    text_add(text, "\n");
  }
  for (size_t i = 0; i < graph->nodes.count; i++)
    print_node(&p, graph->nodes.data[i]);
  for (size_t i = 0; i < graph->constraints.count; i++) {
    text_add(text, "  require ");
    printer_expr(&p.printer, graph->constraints.data[i].condition);
    text_add(text, " ");
    print_string(text, graph->constraints.data[i].sentence);
    text_add(text, "\n");
  }
  for (size_t i = 0; i < graph->outputs.count; i++) {
    const struct value *output = graph->outputs.data[i];
    print_first_use(&p, output);
    text_format(text, "  output %%%u\n", p.numbers[output->id] - 1);
  }
  text_add(text, "}\n");
}
