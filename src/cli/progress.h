/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of a compile on stderr: one line that is rewritten on a terminal;
 * with -v elsewhere, a plain line per stage; else nothing. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/base.h"

struct progress {
  const char *what; /* the model's name */
  bool terminal, verbose;
  const char *shown;               /* the stage on the terminal's line */
  int64_t stage_start, last_shown; /* ns */
};

void progress_begin(struct progress *progress, const char *what, bool verbose);
/* An adze_progress_function; `context` is the struct progress. */
void progress_show(void *context, const char *stage, size_t done, size_t total);
/* Clears the line. */
void progress_end(struct progress *progress);

#endif
