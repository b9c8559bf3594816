/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the printer: names of one function and printing of expressions. */
#ifndef IR_LOOP_PRINT_H
#define IR_LOOP_PRINT_H

#include "base/map.h"
#include "base/text.h"
#include "ir/loop.h"

/* Gives every variable, buffer and local a name that is unique where it can be
 * seen: its own, turned into an identifier, with a number behind it when
 * that is taken. */
struct printer {
  struct text *text;
  struct map taken;        /* name -> itself, NULL once free again */
  struct map taken_stages; /* stages have names of their own */
  struct map variables, buffers, locals, stages; /* id or pointer -> name */
  int indent;
};

void printer_init(struct printer *printer, struct text *text);
const char *printer_name(struct printer *printer, struct map *names,
                         uint64_t key, const char *wanted);
/* The name is free for others from here on. */
void printer_release(struct printer *printer, struct map *names, uint64_t key);
/* Names of what was named, or else plain ones. */
const char *printer_variable(struct printer *printer,
                             const struct variable *variable);
const char *printer_buffer(struct printer *printer,
                           const struct buffer *buffer);
void printer_expr(struct printer *printer, const struct expr *e);

#endif
