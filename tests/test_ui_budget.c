/* What frames may cost: nothing waits below the rate, and what costs more is paid back. */
#include "../src/ui/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct budget narrow(void)
{
    struct budget budget = {0};
    budget_set_size(&budget, 80, 24);
    return budget;
}

static void test_small_frames(void **unused)
{
    (void)unused;
    struct budget budget = narrow();
    assert_true(budget.rate < 1024);
    for (int i = 0; i < 100; i++) {
        budget_spend(&budget, i / 4.0, 100);
        assert_true(budget_even(&budget) < (i + 1) / 4.0);
        assert_true(budget_wait(&budget) == 0);
    }
}

/* Curves as often as they are paid for, and numbers four times a second: the rate, no more. */
static void test_curves_are_spaced(void **unused)
{
    (void)unused;
    struct budget budget = narrow();
    double bytes = 0, now = 0;
    int curves = 0;
    for (int i = 0; i < 4 * 600; i++) {
        now = i / 4.0;
        const size_t frame = now >= budget_even(&budget) ? 2600 : 60;
        curves += frame == 2600;
        budget_spend(&budget, now, frame);
        bytes += (double)frame;
    }
    assert_true(bytes / now < 1.02 * budget.rate);
    assert_true(bytes / now > 0.9 * budget.rate);
    assert_true(curves > 100);
}

/* Where every frame costs much they are fewer; one that cost very much is forgotten in the end. */
static void test_large_frames_wait(void **unused)
{
    (void)unused;
    struct budget budget = narrow();
    budget_spend(&budget, 1, 1000);
    assert_true(budget_wait(&budget) == 0);
    budget_spend(&budget, 2, 5000);
    assert_true(budget_wait(&budget) > 0 && budget_wait(&budget) <= 0.5);
    budget_spend(&budget, 3, 1000000);
    assert_true(budget_wait(&budget) <= 0.5);
    assert_true(budget_even(&budget) < 12);
    budget_forgive(&budget, 4);
    assert_true(budget_wait(&budget) == 0 && budget_even(&budget) == 4);
    budget_spend(&budget, 5, 1000000);
    budget_spend(&budget, 20, 10);
    assert_true(budget_wait(&budget) == 0);
}

static void test_large_screens(void **unused)
{
    (void)unused;
    struct budget budget = narrow();
    const double rate = budget.rate;
    budget_set_size(&budget, 160, 48);
    assert_true(budget.rate == 4 * rate);
    budget_set_size(&budget, 40, 12);
    assert_true(budget.rate == rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_frames),
        cmocka_unit_test(test_curves_are_spaced),
        cmocka_unit_test(test_large_frames_wait),
        cmocka_unit_test(test_large_screens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
