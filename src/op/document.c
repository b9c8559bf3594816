/* SPDX-License-Identifier: Apache-2.0 */
/* docs/OPERATORS.md, from the operator table. */
#include "op/op.h"

#include <string.h>

static const char *fusion_text(enum fusion_kind kind) {
  switch (kind) {
  case FUSION_ELEMENTWISE: return "elementwise";
  case FUSION_INJECTIVE: return "injective";
  case FUSION_REDUCTION: return "reduction";
  case FUSION_ANCHOR: return "anchor";
  case FUSION_METADATA: return "metadata";
  }
  unreachable();
}

static void print_count(struct text *text, int minimum, int maximum) {
  if (maximum < 0)
    text_format(text, "%d or more", minimum);
  else if (minimum == maximum)
    text_format(text, "%d", minimum);
  else
    text_format(text, "%d to %d", minimum, maximum);
}

static void print_default(struct text *text,
                          const struct attribute_desc *attribute) {
  if (attribute->required) {
    text_add(text, "required");
    return;
  }
  switch (attribute->kind) {
  case ATTRIBUTE_INT:
    text_format(text, "%lld", (long long)attribute->number);
    return;
  case ATTRIBUTE_FLOAT:
    text_format(text, "%g", attribute->number);
    return;
  case ATTRIBUTE_STRING:
    text_format(text, "\"%s\"", attribute->string);
    return;
  case ATTRIBUTE_INTS: case ATTRIBUTE_FLOATS:
    text_add(text, "[]");
    return;
  }
  unreachable();
}

static void print_attributes(struct text *text,
                             const struct attribute_desc *list) {
  static const char *const kinds[] = {"int", "float", "string", "ints",
                                      "floats"};
  for (; list != NULL && list->name != NULL; list++) {
    text_format(text, "- `%s` (%s, ", list->name, kinds[list->kind]);
    print_default(text, list);
    text_format(text, ")%s%s\n",
                strcmp(list->help, "see above") == 0 ? "" : ": ",
                strcmp(list->help, "see above") == 0 ? "" : list->help);
  }
}

static void print_imports(struct text *text, const struct import_name *list) {
  if (list == NULL || list->format == NULL)
    return;
  text_add(text, "\nOne to one:");
  for (; list->format != NULL; list++) {
    text_format(text, " %s `%s` from %d", list->format, list->name,
                list->since);
    if (list->until != 0)
      text_format(text, " to %d", list->until);
    text_add(text, list[1].format != NULL ? "," : ".\n");
  }
}

void op_print_documentation(struct text *text) {
  text_add(text,
           "# Operators\n\n"
           "Made from the operator table (`src/op/ops.def`) by "
           "`op_document`; don't edit.\n\n"
           "Attribute names, layouts (NCHW, OIHW) and conventions are those of "
           "ONNX. Elementwise operators broadcast as numpy does.\n");
  for (size_t i = 0; i < op_table_count; i++) {
    const struct op_def *op = op_table[i];
    text_format(text, "\n## %s\n\n%s\n\n", op->name, op->summary);
    text_add(text, "Inputs: ");
    print_count(text, op->min_inputs, op->max_inputs);
    text_add(text, "; outputs: ");
    print_count(text, op->min_outputs, op->max_outputs);
    text_format(text, "; fusion: %s.\n", fusion_text(op->fusion));
    if (op->attributes != NULL && op->attributes->name != NULL)
      text_add(text, "\n");
    print_attributes(text, op->attributes);
    print_imports(text, op->imports);
  }
}
