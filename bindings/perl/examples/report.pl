# One of many processes writes the report of the day; the others wait, and give up after a minute.
use strict;
use warnings;
use Redilock;

my $client = Redilock->new;    # of REDILOCK_URL
$client->with_lock('report', ttl => 30, wait => 60, renew => 1, sub {
    my ($lock) = @_;
    printf "report written with fence %d\n", $lock->fence;
});
