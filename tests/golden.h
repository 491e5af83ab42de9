/*
 * Golden files: texts that a test's result must equal, in tests/golden/.
 */
#ifndef KDT_TESTS_GOLDEN_H
#define KDT_TESTS_GOLDEN_H

/* Fails the test, showing the first line that differs, unless `text` is what
 * $top_srcdir/tests/golden/NAME.txt holds. With KDTUI_GOLDEN_UPDATE=1 in the
 * environment the file is written instead. */
void golden_compare(const char *name, const char *text);

#endif
