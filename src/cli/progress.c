/* SPDX-License-Identifier: Apache-2.0 */
/* A stage is over when all of its units are done. Its counts are shown at most
 * ten times a second, since a terminal over a network is slower than the
 * compiler.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"

static const int64_t INTERVAL_NS = 100 * 1000 * 1000;

void progress_begin(struct progress *progress, const char *what, bool verbose) {
  *progress = (struct progress){.what = what,
                                .terminal = isatty(STDERR_FILENO),
                                .verbose = verbose,
                                .stage_start = time_now_ns()};
}

static void clear_line(struct progress *progress) {
  if (progress->shown)
    fputs("\r\033[K", stderr);
  progress->shown = NULL;
}

/* In a log, and with -v: a line for each stage that is over. */
static void finish_stage(struct progress *progress, const char *stage,
                         int64_t now) {
  if (progress->verbose) {
    clear_line(progress);
    fprintf(stderr, "%s: %s: %.3f s\n", progress->what, stage,
            (double)(now - progress->stage_start) * 1e-9);
  }
  progress->stage_start = now;
}

void progress_show(void *context, const char *stage, size_t done,
                   size_t total) {
  struct progress *progress = context;
  int64_t now = time_now_ns();
  if (done >= total) {
    finish_stage(progress, stage, now);
    return;
  }
  bool begins = !progress->shown || !string_equal(progress->shown, stage);
  if (!progress->terminal ||
      (!begins && now - progress->last_shown < INTERVAL_NS))
    return;
  progress->last_shown = now;
  fprintf(stderr, "\r\033[K%s: %s", progress->what, stage);
  if (total > 1)
    fprintf(stderr, " (%zu/%zu)", done, total);
  fflush(stderr);
  progress->shown = stage;
}

void progress_end(struct progress *progress) { clear_line(progress); }
