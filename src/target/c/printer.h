/* SPDX-License-Identifier: Apache-2.0 */
/* Flat loop IR to C text: the state shared by the files of this folder.
 *
 *   support.c    what every generated file begins with
 *   value.c      expressions
 *   statement.c  statements and functions
 *   entry.c      the ABI entry points
 *   compiler.c   running the C compiler
 *   c.c          the target
 */
#ifndef TARGET_C_PRINTER_H
#define TARGET_C_PRINTER_H

#include "base/map.h"
#include "target/target.h"

/* Lines being written; what is declared in the block that is open last. */
struct stream {
  struct text text;
  int indent;
  VEC(struct use *) declared;
};

/* An expression within one statement. */
struct use {
  uint32_t count; /* how many others use it */
  bool has_load;
  uint32_t mark;    /* of the last walk that came here */
  const char *name; /* the variable that holds it; NULL: none */
};

struct printer {
  struct arena *arena;
  const struct function *function;
  struct map buffer_names, variable_names; /* by id */
  bool is_aliased;   /* parameters may lie in one another's memory */
  struct stream out; /* the function's body */

  /* the statement at hand */
  uint16_t lanes;
  struct map uses;         /* by expression id */
  struct stream scalars;   /* before the loop over lanes */
  struct stream lane_body; /* inside of it; scalar statements: everything */
  struct stream *stream;   /* one of them */
  int guards;              /* conditions that loads stand under */
  uint32_t temporaries;    /* named so far in this statement */
  uint32_t mark;           /* of the last walk */
  const char *variable;    /* that the last select was put into */
};

/* ---- value.c ------------------------------------------------------------- */
const char *c_type(enum adze_dtype dtype);
void c_line(struct stream *stream, const char *format, ...) ADZE_PRINTF(2, 3);
/* Begins a statement of so many lanes. */
void c_value_begin(struct printer *printer, uint16_t lanes);
/* Counts the uses in e, which the statement prints later. */
void c_value_count(struct printer *printer, const struct expr *e);
/* C for e, or for its lane `l` where it is a vector; what must come before is
 * added to the streams. */
const char *c_value_print(struct printer *printer, const struct expr *e);
bool c_value_has_load(struct printer *printer, const struct expr *e);
/* Whether e loads from memory that a store into `buffer` may change. */
bool c_value_reads(const struct printer *printer, const struct expr *e,
                   const struct buffer *buffer);
/* "buffer[offset]" for lane l. */
const char *c_value_element(struct printer *printer,
                            const struct buffer *buffer,
                            const struct expr *offset);

/* ---- statement.c --------------------------------------------------------- */
/* A definition of `function` named `symbol`. */
void c_function_print(struct text *text, struct arena *arena,
                      const struct function *function, const char *symbol,
                      bool is_aliased);
bool c_function_has_scratch(const struct function *function);
/* A function with the uniform signature of target->load around it. */
void c_wrapper_print(struct text *text, const struct function *function,
                     const char *kernel, const char *symbol);

/* ---- entry.c, compiler.c ------------------------------------------------- */
void c_entry_print(struct text *text, struct arena *arena,
                   const struct module *module);
/* Compiles text with the C compiler: an object, or a shared library. */
enum adze_status c_compiler_run(struct arena *arena, const char *folder,
                                const struct text *source, bool is_shared,
                                const char **out_path,
                                struct adze_error *error) ADZE_MUST_USE;

#endif
