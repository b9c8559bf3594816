/* SPDX-License-Identifier: Apache-2.0 */
/* Ending by a signal without leaving temporary folders. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From here on SIGINT, SIGTERM and SIGHUP end the program, as they would have,
 * after its temporary folders are removed; one that was ignored stays so. To be
 * called before other threads are started. */
void interrupt_watch(void);
/* For a forked child: it ends by them at once, and with its parent. */
void interrupt_as_child(void);

#endif
