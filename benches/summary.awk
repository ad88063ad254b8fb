# Reads the figures of all rounds (group, case, metric, value); writes each figure once, in the
# order of its first appearance: group, case, metric, median, least, greatest.

BEGIN { FS = OFS = "\t" }

{
    key = $1 FS $2 FS $3
    if (!(key in count)) order[++keys] = key
    values[key, ++count[key]] = $4 + 0
}

END {
    for (i = 1; i <= keys; i++) {
        key = order[i]
        n = count[key]
        # Insertion sort: there are as many values as rounds.
        for (j = 2; j <= n; j++) {
            value = values[key, j]
            for (k = j - 1; k > 0 && values[key, k] > value; k--) {
                values[key, k + 1] = values[key, k]
            }
            values[key, k + 1] = value
        }
        middle = int((n + 1) / 2)
        median = n % 2 ? values[key, middle] : (values[key, middle] + values[key, middle + 1]) / 2
        print key, median, values[key, 1], values[key, n]
    }
}
