/* usage: what a process has used, as the kernel counts it. */
#pragma once

/* CPU time of all its threads, in microseconds. */
double usage_cpu_us(int pid);
/* How often one of its threads has begun to wait, or had to make way. */
long usage_switches(int pid);
/* Waits until it has done nothing for two seconds: what it puts off has been done, too. */
void usage_wait_until_quiet(int pid);
/* A line of smaps_rollup, in kB: "Anonymous", "Rss". -1: there is none. */
long usage_memory_kb(int pid, const char *what);
/* All its threads run on this core from now on; where that cannot be, stderr has a line. */
void usage_pin(int pid, unsigned core);
/* The first child of a process, waited for. 0: it has none within five seconds. */
int usage_child(int pid);
