/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come with the program: in share/adze beside the folder that the
 * program is in, installed as well as in a build folder. */
#ifndef CLI_INSTALLED_H
#define CLI_INSTALLED_H

#include "base/arena.h"
#include "base/base.h"

/* The path of such a file, in the arena. NOT_FOUND, naming the place. */
enum adze_status installed_file(struct arena *arena, const char *name,
                                const char **out,
                                struct adze_error *error) ADZE_MUST_USE;

#endif
