/* advice: hubs: what is no fault in a conf, but will not do what one hopes; and whose hub is whose.
 */
#include "conf.h"

static bool is_this_machine(struct str url)
{
    struct str host = uri_host(url);

    return str_eq_nocase(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_eq(host, STR("[::1]"));
}

static bool has_hub(const struct source_conf *source, struct str hub)
{
    for (size_t i = 0; i < source->poll.hub.count; i++)
        if (str_eq(hub, str_of(source->poll.hub.items[i])))
            return true;
    return false;
}

bool conf_hub_is_shared(const struct conf *c, struct str hub)
{
    for (size_t i = 0; i < c->sources_count; i++)
        if (!has_hub(&c->sources[i], hub))
            return false;
    return c->sources_count > 0;
}

bool conf_hub_is_lost(const struct conf *c, struct str base_url, struct error *e)
{
    if (!is_this_machine(base_url))
        return false;
    for (size_t i = 0; i < c->sources_count; i++) {
        const struct word_list *hubs = &c->sources[i].poll.hub;

        for (size_t k = 0; k < hubs->count; k++) {
            if (is_this_machine(str_of(hubs->items[k])))
                continue;
            error_set(e,
                      "the hub %s cannot come for feeds to %.*s: set base-url to the address at "
                      "which others reach this server",
                      hubs->items[k], STR_ARG(base_url));
            return true;
        }
    }
    return false;
}
