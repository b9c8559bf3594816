/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.h: how to call a model that is linked into a program. Everything that a
 * caller must know is in it as text and as macros: names, shapes, types, sizes,
 * alignment, and what the workspace needs.
 */
#include <inttypes.h>
#include <string.h>

#include "adze/runtime.h"
#include "package/format.h"

struct printer {
  struct text *text;
  const struct package_contents *contents;
  char upper[128]; /* NAME in capitals */
};

/* Names come from the model: nothing in them may end the comment around. */
static void print_name(struct text *text, const char *name) {
  for (const char *next = name ? name : ""; *next; next++) {
    unsigned char byte = (unsigned char)*next;
    bool ends_comment = next > name && byte == '/' && next[-1] == '*';
    bool begins_comment = byte == '/' && next[1] == '*';
    text_format(text, "%c",
                byte < ' ' || byte == 127 || ends_comment || begins_comment ||
                        byte == '\\'
                    ? '_'
                    : byte);
  }
}

static const char *c_type(enum adze_dtype dtype) {
  switch (dtype) {
  case ADZE_F32:
    return "float";
  case ADZE_F64:
    return "double";
  case ADZE_F16:
  case ADZE_BF16:
  case ADZE_U16:
    return "uint16_t";
  case ADZE_I8:
    return "int8_t";
  case ADZE_I16:
    return "int16_t";
  case ADZE_I32:
    return "int32_t";
  case ADZE_I64:
    return "int64_t";
  case ADZE_U8:
  case ADZE_BOOL:
    return "uint8_t";
  case ADZE_U32:
    return "uint32_t";
  case ADZE_U64:
    return "uint64_t";
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

/* "[1, 3, height, ?]" */
static void print_shape(const struct printer *printer,
                        const struct package_tensor *tensor) {
  text_add(printer->text, "[");
  for (size_t i = 0; i < tensor->rank; i++) {
    int64_t dim = tensor->dims[i];
    if (i > 0)
      text_add(printer->text, ", ");
    if (dim >= 0)
      text_format(printer->text, "%" PRId64, dim);
    else if (dim == INT64_MIN)
      text_add(printer->text, "?");
    else
      print_name(printer->text, printer->contents->symbols[~dim].name);
  }
  text_add(printer->text, "]");
}

enum openness { FIXED, BY_SYMBOLS, COMPUTED };

static enum openness tensor_openness(const struct package_tensor *tensor) {
  enum openness openness = FIXED;
  for (size_t i = 0; i < tensor->rank; i++) {
    if (tensor->dims[i] == INT64_MIN)
      return COMPUTED;
    if (tensor->dims[i] < 0)
      openness = BY_SYMBOLS;
  }
  return openness;
}

/* Elements and bytes as macros over the symbols' values. */
static void print_open_size(const struct printer *printer, const char *kind,
                            size_t index, const struct package_tensor *tensor) {
  struct text *text = printer->text;
  text_format(text, "#define %s_%s_%zu_ELEMENTS(symbols) (", printer->upper,
              kind, index);
  for (size_t i = 0; i < tensor->rank; i++) {
    text_add(text, i > 0 ? " * (size_t)" : "(size_t)");
    if (tensor->dims[i] >= 0)
      text_format(text, "%" PRId64, tensor->dims[i]);
    else
      text_format(text, "(symbols)[%" PRId64 "]", ~tensor->dims[i]);
  }
  text_add(text, ")\n");
  text_format(text,
              "#define %s_%s_%zu_BYTES(symbols) \\\n"
              "  (%s_%s_%zu_ELEMENTS(symbols) * %zu)\n",
              printer->upper, kind, index, printer->upper, kind, index,
              adze_dtype_bytes(tensor->dtype));
}

/* The same as numbers. */
static void print_fixed_size(const struct printer *printer, const char *kind,
                             size_t index,
                             const struct package_tensor *tensor) {
  uint64_t elements = 1;
  for (size_t i = 0; i < tensor->rank; i++)
    elements *= (uint64_t)tensor->dims[i];
  text_format(printer->text, "#define %s_%s_%zu_ELEMENTS %" PRIu64 "\n",
              printer->upper, kind, index, elements);
  text_format(printer->text, "#define %s_%s_%zu_BYTES %" PRIu64 "\n",
              printer->upper, kind, index,
              elements * adze_dtype_bytes(tensor->dtype));
}

static void print_tensor(const struct printer *printer, const char *kind,
                         const char *word, size_t index,
                         const struct package_tensor *tensor) {
  struct text *text = printer->text;
  text_format(text, "\n/* %s[%zu], \"", word, index);
  print_name(text, tensor->name);
  text_add(text, "\": ");
  print_shape(printer, tensor);
  text_format(text, " of %s. */\n", adze_dtype_name(tensor->dtype));
  text_format(text, "#define %s_%s_%zu_TYPE %s\n", printer->upper, kind, index,
              c_type(tensor->dtype));
  text_format(text, "#define %s_%s_%zu_RANK %zu\n", printer->upper, kind, index,
              tensor->rank);
  if (tensor_openness(tensor) == BY_SYMBOLS)
    print_open_size(printer, kind, index, tensor);
  else if (tensor_openness(tensor) == FIXED)
    print_fixed_size(printer, kind, index, tensor);
}

/* NAME_INPUT_BYTES, to initialise an array with the bytes of all inputs. */
static void print_all_bytes(const struct printer *printer, const char *kind,
                            const struct package_tensor *tensors,
                            size_t count) {
  enum openness openness = FIXED;
  for (size_t i = 0; i < count; i++)
    if (tensor_openness(&tensors[i]) > openness)
      openness = tensor_openness(&tensors[i]);
  if (openness == COMPUTED || count == 0)
    return;
  const char *symbols = openness == FIXED ? "" : "(symbols)";
  text_format(printer->text, "\n#define %s_%s_BYTES%s {", printer->upper, kind,
              symbols);
  for (size_t i = 0; i < count; i++)
    text_format(printer->text, "%s%s_%s_%zu_BYTES%s", i > 0 ? ", " : "",
                printer->upper, kind, i,
                tensor_openness(&tensors[i]) == FIXED ? "" : symbols);
  text_add(printer->text, "}\n");
}

static void print_tensors(const struct printer *printer) {
  const struct package_contents *contents = printer->contents;
  text_format(printer->text,
              "\n#define %s_INPUT_COUNT %zu\n#define %s_OUTPUT_COUNT %zu\n",
              printer->upper, contents->input_count, printer->upper,
              contents->output_count);
  for (size_t i = 0; i < contents->input_count; i++)
    print_tensor(printer, "INPUT", "inputs", i, &contents->inputs[i]);
  for (size_t i = 0; i < contents->output_count; i++)
    print_tensor(printer, "OUTPUT", "outputs", i, &contents->outputs[i]);
  text_add(printer->text,
           "\n/* The bytes of all of them, to initialise arrays. */");
  print_all_bytes(printer, "INPUT", contents->inputs, contents->input_count);
  print_all_bytes(printer, "OUTPUT", contents->outputs, contents->output_count);
}

static void print_symbols(const struct printer *printer) {
  const struct package_contents *contents = printer->contents;
  text_format(printer->text, "\n#define %s_SYMBOL_COUNT %zu\n", printer->upper,
              contents->symbol_count);
  for (size_t i = 0; i < contents->symbol_count; i++) {
    text_format(printer->text, "/* symbols[%zu]: ", i);
    print_name(printer->text, contents->symbols[i].name);
    text_format(printer->text, ", %" PRId64 " to %" PRId64 ". */\n",
                contents->symbols[i].minimum, contents->symbols[i].maximum);
  }
}

static void print_fixed_functions(const struct printer *printer,
                                  int64_t workspace_bytes) {
  const char *name = printer->contents->module_name;
  text_format(
      printer->text,
      "\n#define %s_WORKSPACE_BYTES %" PRId64 "\n\n"
      "/* Runs the model once, on the calling thread. inputs[i] and "
      "outputs[i]\n"
      " * are dense arrays as described above, aligned to their elements;\n"
      " * workspace has %s_WORKSPACE_BYTES bytes, aligned to %u, and keeps\n"
      " * nothing between runs. Any number of threads may run at once, each\n"
      " * with a workspace and outputs of its own. Allocates nothing. Returns\n"
      " * 0. */\n"
      "int64_t %s_run(const void *const *inputs, void *const *outputs,\n"
      "    void *workspace);\n",
      printer->upper, workspace_bytes, printer->upper, ADZE_ABI_ALIGNMENT,
      name);
}

/* What the numbers mean that NAME_run returns. */
static void print_constraints(const struct printer *printer) {
  const struct package_contents *contents = printer->contents;
  text_add(printer->text, " *   -1  a size overflows\n");
  for (size_t i = 0; i < contents->constraint_count; i++) {
    text_format(printer->text, " *   %zu  not so: ", i + 1);
    print_name(printer->text, contents->constraints[i]);
    text_add(printer->text, "\n");
  }
}

static void print_open_functions(const struct printer *printer) {
  const char *name = printer->contents->module_name;
  text_format(
      printer->text,
      "\n/* Bytes of workspace for these values of the open dimensions; -1\n"
      " * when they contradict the model. Any thread. */\n"
      "int64_t %s_workspace_bytes(const int64_t *symbols);\n\n"
      "/* Runs the model once, on the calling thread. symbols are the open\n"
      " * dimensions' values, within their ranges; inputs[i] and outputs[i] "
      "are\n"
      " * dense arrays as described above, aligned to their elements;\n"
      " * workspace has the bytes that %s_workspace_bytes gave, aligned\n"
      " * to %u, and keeps nothing between runs. Any number of threads may "
      "run\n"
      " * at once, each with a workspace and outputs of its own. Allocates\n"
      " * nothing. Returns 0, or, when symbols contradict the model, what is\n"
      " * wrong, without having done anything:\n",
      name, name, ADZE_ABI_ALIGNMENT);
  print_constraints(printer);
  text_format(
      printer->text,
      " */\n"
      "int64_t %s_run(const int64_t *symbols, const void *const *inputs,\n"
      "    void *const *outputs, void *workspace);\n",
      name);
}

void header_print(struct text *text, const struct package_contents *contents,
                  const struct package_code *code) {
  struct printer printer = {.text = text, .contents = contents};
  const char *name = contents->module_name;
  for (size_t i = 0; name[i]; i++) /* valid: at most 100 bytes */
    printer.upper[i] =
        (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A'
                                                : name[i]);
  text_add(text, "/* Model ");
  print_name(text, contents->name);
  text_format(text, ", compiled by adze %s for\n * ",
              contents->version ? contents->version : "");
  print_name(text, contents->target_line);
  text_format(text,
              ". */\n#ifndef %s_H\n#define %s_H\n\n#include <stddef.h>\n"
              "#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n"
              "#endif\n",
              printer.upper, printer.upper);
  print_tensors(&printer);
  if (contents->symbol_count > 0) {
    print_symbols(&printer);
    print_open_functions(&printer);
  } else {
    print_fixed_functions(&printer, code->workspace_bytes);
  }
  text_add(text, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
