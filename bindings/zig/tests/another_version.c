const char *ph_version(void)
{
    return "9.8.7";
}
