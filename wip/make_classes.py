import json
def rng(s):
    out=[]
    for p in s.split():
        a,_,b=p.partition('-'); out+=range(int(a),int(b or a)+1)
    return out
C=[
("person","people, whole or in part","981-983","Faces Faces_easy person",["person"]),
("face","faces of people","","Faces Faces_easy",[]),
("text","writing, signs and print","916-919 921-922","stop_sign",[]),
("dog","dogs","151-268","dog dalmatian",["dog"]),
("cat","domestic cats and wildcats","281-285","wild_cat",["cat"]),
("bird","birds","7-24 80-100 127-146","emu flamingo flamingo_head ibis pigeon rooster",["bird"]),
("hoofed animal","horses, cattle, sheep, deer, zebras, giraffes; elephants and rhinos","101 339-355 385-386","elephant horse giraffe gerenuk llama okapi rhino",["horse","sheep","cow","elephant","zebra","giraffe"]),
("wild animal","other mammals: bears, big cats, foxes, monkeys, rodents, rabbits","102-106 269-280 286-299 330-338 356-384 387-388","Leopards beaver cougar_body cougar_face kangaroo panda hedgehog platypus",["bear"]),
("reptile","reptiles, frogs, dinosaurs","25-68","crocodile crocodile_head hawksbill brontosaurus stegosaurus",[]),
("insect","insects, spiders, scorpions","69-79 300-326","ant butterfly dragonfly mayfly scorpion tick trilobite",[]),
("sea animal","fish, shellfish, corals, whales","0-6 107-126 147-150 327-329 389-397 973","bass crab crayfish dolphin lobster nautilus octopus sea_horse starfish",[]),
("car","cars, lorries, buses, tractors","407-408 436 468 475 479 511 555 561 569 573 575 581 586 595 609 627 654 656 661 675 717 734 751 757 779 802-803 817 847 856 864 866-867 874","car_side",["car","bus","truck"]),
("bike","bicycles and motorcycles","444 612 665 670-671 870 880","Motorbikes",["bicycle","motorcycle"]),
("aircraft","aeroplanes, helicopters, balloons, parachutes","404-405 417 657 701 744 812 895 908","airplanes helicopter",["airplane"]),
("boat","boats and ships","403 472 484 510 536 554 576 625 628 694 724 780 814 833 871 913-914","ferry ketch schooner",["boat"]),
("train","trains and trams","466 547 565 705 820 829","",["train"]),
("food","dishes, fruit, vegetables, bread, cakes","923-957 959-967 969 987 998","pizza strawberry",["banana","apple","sandwich","orange","broccoli","carrot","hot dog","pizza","donut","cake"]),
("tableware","cups, bottles, bowls, cutlery, pots","438 440-441 499 503-505 512 521 544 550 567 572 585 618 631 647 653 659 711-712 720 725 737 773 809 813 828 838 849 868 883 891 898-899 901 907 909-910 968","cup ewer",["bottle","wine glass","cup","fork","knife","spoon","bowl","vase"]),
("furniture","chairs, tables, beds, lamps, cupboards, large kitchen and bathroom appliances","423 431 435 453 492-493 495 516 520 526 532 534 539 548 553 559 564 598 619 648 651 703 706 721 729 736 741 750 753 760 765-766 789 794 799 804 827 831 846 854 857 859 861 876 894 896-897 904-905","chair windsor_chair lamp chandelier",["bench","chair","couch","bed","dining table","toilet","microwave","oven","toaster","sink","refrigerator"]),
("electronics","screens, computers, telephones, cameras, players","480-482 485 487 508 527-528 590 592 605 613 620 632 650 662 664 673 688 707 713 732 742 745 754 759 761 782 810 844 848 851 878","camera cellphone laptop headphone",["tv","laptop","mouse","remote","keyboard","cell phone"]),
("sports gear","balls, rackets, bats, skis, boards","416 422 429-430 450 522 543 560 574 602 693 702 722 746-747 752 768 795 801 805 852 890","soccer_ball inline_skate",["frisbee","skis","snowboard","sports ball","kite","baseball bat","baseball glove","skateboard","surfboard","tennis racket"]),
("musical instrument","musical instruments","401-402 420 432 486 494 513 541-542 546 558 566 577 579 593-594 641-642 683-684 687 699 776 822 875 881 889","accordion electric_guitar euphonium grand_piano mandolin saxophone guitar",[]),
("clock","clocks and watches","409 530-531 604 826 835 892","watch",["clock"]),
("clothing","clothes, shoes, hats, bags, umbrellas","399-400 411 414 433 439 443 445 451-452 457 459 461 464-465 474 490 496 501-502 514-515 518 524 529 552 568 570 578 584 601 608 610 614-615 617 630 636 638-639 643 652 655 658 667 678-679 689 697 715 735 748 770 774-775 793 796 806 808 824 834 836-837 841-842 869 879 887 893 903 906","umbrella",[]),
("building","buildings, bridges, towers, fences, shops","406 415 421 424-425 437 442 448-449 454 467 483 489 497-498 500 509 525 538 540 557 562 580 582 624 634 649 660 663 668 682 698 708 716 718 727 733 743 755 762 788 807 819 821 825 832 839 853 858 860 863 865 873 877 884 888 900 912 915","minaret pagoda pyramid house",[]),
("plant","flowers, trees, mushrooms","738 984-986 988-997","bonsai joshua_tree lotus sunflower water_lilly",[]),
("landscape","mountains, coasts, lakes, fields","460 958 970 972 974-980","",[]),
("object","other things: tools, machines, toys, weapons","","anchor barrel binocular brain buddha cannon ceiling_fan dollar_bill garfield gramophone menorah metronome revolver scissors snoopy stapler wheelchair wrench yin_yang",[]),
]
seen={}
for n,_,s,*_ in C:
    for i in rng(s):
        assert i not in seen,(i,n,seen[i]); seen[i]=n
rest=[i for i in range(1000) if i not in seen]
def ranges(ix):
    out=[];i=0
    while i<len(ix):
        j=i
        while j+1<len(ix) and ix[j+1]==ix[j]+1:j+=1
        out.append(f"{ix[i]}-{ix[j]}" if j>i else f"{ix[i]}"); i=j+1
    return out
rows=[]
for n,c,s,f,coco in C:
    ix=sorted(rng(s)) if n!="object" else rest
    rows.append({"name":n,"covers":c,"imagenet":" ".join(ranges(ix)),"folders":f.split(),"coco":coco})
text="[\n"+",\n".join(" "+json.dumps(r,ensure_ascii=False) for r in rows)+"\n]\n"
open('/tmp/wt/classes/model/classes.json','w').write(text)
import csv
w={int(r['class_index']):r['words'].split(',')[0] for r in csv.DictReader(open('/tmp/wt/shared/data/train/imagenet_synsets.tsv'),delimiter='\t')}
print(len(rest),[w[i] for i in rest])
import os
fs={os.path.basename(d.rstrip('/')) for d in os.popen('ls -d /tmp/wt/shared/data/train/caltech101/*/ /tmp/wt/shared/data/train/pacs_photo/*/').read().split()}
have={x for r in rows for x in r['folders']}
print(fs-have, have-fs)
