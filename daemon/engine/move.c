/* move: a page that has moved for good is looked at where it is now. */
#include "internal.h"

/* So many good polls in a row have to be led to the same place, for good, before polls begin there.
 */
#define MOVE_POLLS 3

static bool has_moved(const struct engine_source *s, const struct move *move)
{
    return s->conf->pages <= 1 && move->polls >= MOVE_POLLS &&
           str_eq(move->from, str_of(s->conf->url));
}

struct str move_to(const struct engine_source *s)
{
    return has_moved(s, &s->state.move) ? s->state.move.to : (struct str){0};
}

struct str move_place(const struct engine_source *s)
{
    return s->state.schedule.failures % 2 ? (struct str){0} : move_to(s);
}

static void log_move(const struct engine_source *s, struct str place)
{
    struct buf told;

    buf_init(&told, SIZE_MAX);
    uri_put_without_login(&told, place);
    engine_log(s->engine, 1, "%s: this page has moved to %.*s: set its url to that", s->conf->name,
               STR_ARG(buf_str(&told)));
    buf_clear(&told);
}

void move_note(const struct engine_source *s, struct move *move, struct str place)
{
    struct str url = str_of(s->conf->url);
    bool known = has_moved(s, move);

    if (!place.n)
        place = move_place(s);
    if (str_eq(place, url))
        place = (struct str){0};
    if (!str_eq(move->from, url) || !str_eq(move->to, place))
        *move = (struct move){.from = url, .to = place};
    if (place.n && move->polls < MOVE_POLLS)
        move->polls++;
    if (!known && has_moved(s, move))
        log_move(s, place);
}
