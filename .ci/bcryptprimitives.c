/* Wine before version 9 has no bcryptprimitives.dll, from which Rust's standard library takes random numbers. This one
 * has the single function that is needed. It is for tests under Wine only; Windows has the real one. */
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
