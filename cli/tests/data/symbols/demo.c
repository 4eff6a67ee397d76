/* Three functions, so that addresses of each have a name and a line. */
volatile unsigned long long last;

static __declspec(noinline) unsigned long long inner(unsigned long long number) {
    last = number;
    return number * 3;
}

__declspec(noinline) unsigned long long middle(unsigned long long number) {
    unsigned long long product = inner(number + 1);
    return product + 7;
}

__declspec(dllexport) unsigned long long outer(unsigned long long number) {
    return middle(number) + 11;
}
