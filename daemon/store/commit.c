/* commit: what polls did, all of it or nothing. */
#include "rows.h"

static int write_outcome(struct store *s, int64_t source, const struct source_state *state,
                         const struct outcome *outcome, struct error *e)
{
    if (revisions_keep_before(s, source, outcome, e) < 0)
        return -1;
    for (size_t i = 0; i < outcome->changed_count; i++)
        if (entry_row_write(s, source, outcome->changed[i], e) < 0)
            return -1;
    for (size_t i = 0; i < outcome->moved_count; i++)
        if (entry_row_move(s, source, outcome->moved[i], e) < 0)
            return -1;
    return revisions_write(s, source, outcome, state->keep_revisions, e);
}

int store_commit(struct store *s, const struct source_state *state, const struct outcome *outcome,
                 struct error *e)
{
    int64_t source = 0;
    if (db_may_write(s, e) < 0)
        return -1;
    if (db_begin(s, true, e) < 0)
        return -1;
    if (source_row_write(s, state, &source, e) == 0 && pages_rows_write(s, source, state, e) == 0 &&
        (!outcome || write_outcome(s, source, state, outcome, e) == 0) &&
        outbox_write(s, source, state, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

static int write_states(struct store *s, const struct source_state *const *states, size_t count,
                        struct error *e)
{
    int64_t source = 0;
    for (size_t i = 0; i < count; i++)
        if (source_row_write(s, states[i], &source, e) < 0)
            return -1;
    return 0;
}

int store_commit_quiet(struct store *s, const struct source_state *const *states, size_t count,
                       struct error *e)
{
    if (db_may_write(s, e) < 0)
        return -1;
    if (count == 0)
        return 0;
    if (db_begin(s, true, e) < 0)
        return -1;
    if (write_states(s, states, count, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

int store_batch(struct store *s, struct error *e)
{
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        return -1;
    s->writing = false;
    s->batch = true;
    return 0;
}

int store_batch_end(struct store *s, struct error *e)
{
    if (!s->batch)
        return error_set(e, "cannot write %s: what was to be written together is lost", s->path);
    s->batch = false;
    s->writing = true;
    if (db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

void store_batch_drop(struct store *s)
{
    if (!s->batch)
        return; /* it is lost already */
    s->batch = false;
    db_rollback(s);
}
