/* The queue between threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 4
#define EACH    20000

struct letter {
    struct mail mail;
    int thread, number;
};

struct sender {
    struct mailbox *box;
    struct letter *letters;
    int thread;
};

static void test_order(void **state)
{
    struct mailbox box = {NULL};
    struct letter letters[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct mail *m;

    (void)state;
    assert_null(mailbox_take(&box));
    assert_true(mailbox_put(&box, &letters[0].mail));
    assert_false(mailbox_put(&box, &letters[1].mail));
    assert_false(mailbox_put(&box, &letters[2].mail));
    m = mailbox_take(&box);
    for (int i = 0; i < 3; i++, m = m->next)
        assert_ptr_equal(m, &letters[i].mail);
    assert_null(m);
    assert_null(mailbox_take(&box));
    assert_true(mailbox_put(&box, &letters[0].mail));
}

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < EACH; i++) {
        s->letters[i] = (struct letter){.thread = s->thread, .number = i};
        mailbox_put(s->box, &s->letters[i].mail);
    }
    return NULL;
}

/* Takes what is there; every thread's letters come in the order sent. */
static int receive(struct mailbox *box, int next[THREADS])
{
    int count = 0;

    for (struct mail *m = mailbox_take(box); m; m = m->next, count++) {
        const struct letter *l = (const struct letter *)m;

        assert_int_equal(l->number, next[l->thread]);
        next[l->thread]++;
    }
    return count;
}

static void test_many_put_one_takes(void **state)
{
    struct mailbox box = {NULL};
    struct sender senders[THREADS];
    pthread_t threads[THREADS];
    int next[THREADS] = {0}, count = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){&box, calloc(EACH, sizeof(struct letter)), i};
        assert_non_null(senders[i].letters);
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    while (count < THREADS * EACH)
        count += receive(&box, next);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        free(senders[i].letters);
        assert_int_equal(next[i], EACH);
    }
    assert_null(mailbox_take(&box));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_many_put_one_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
