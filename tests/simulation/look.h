/* SPDX-License-Identifier: Apache-2.0 */
/* A second connection that reads the record as it stands, without suspending. */
#ifndef MIDWATCH_SIMULATION_LOOK_H
#define MIDWATCH_SIMULATION_LOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Opens it once there are tables; more than once does nothing. */
void sim_look_open(const char *path);
void sim_look_close(void);
bool sim_look_is_open(void);

/* A query under way. `sql` is a literal: it is prepared once. Each `bind` fills the next question mark. */
struct sqlite3_stmt;
struct sqlite3_stmt *sim_look(const char *sql);
void sim_look_integer(struct sqlite3_stmt *query, int at, int64_t value);
void sim_look_text(struct sqlite3_stmt *query, int at, const char *value);
bool sim_look_next(struct sqlite3_stmt *query); /* false: no more; it may be used again */
int64_t sim_look_number(struct sqlite3_stmt *query, int column);
double sim_look_real(struct sqlite3_stmt *query, int column);
/* "" for NULL; lives until the next row. */
const char *sim_look_word(struct sqlite3_stmt *query, int column);
bool sim_look_is_null(struct sqlite3_stmt *query, int column);
/* The first number of the answer, with up to two numbers bound. */
int64_t sim_look_count(const char *sql, int64_t first, int64_t second);

#endif
